"""What makes the foreign dialects foreign, seen on the wire; and that the profiles read it right."""

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import pytest

from conformance.model.order import OrderType, Side, Status, Terms, TimeInForce
from conformance.requirements import Capability
from fixtures.embedded import embedded_target
from fixtures.exchange import CancelMode, ExchangeProcess, ExchangeStartError
from fixtures.exchange.dialects import dialect_settings
from fixtures.venue import Answer, AnswerClass, NotOffered, Venue
from fixtures.venue.signing import Draft


@contextmanager
def dealing(dialect: str, **changes: Any) -> Iterator[tuple[Venue, ExchangeProcess]]:
    """A venue in a dialect, and the exchange behind it."""
    with embedded_target(dialect_settings(dialect, **changes)) as (profile, exchange), Venue(profile) as venue:
        yield venue, exchange


def terms(venue: Venue, **changes: Any) -> Terms:
    """A small buy that rests in the first market."""
    name, market = next(iter(venue.markets.items()))
    chosen: dict[str, Any] = {
        "account": "primary", "market": name, "side": Side.BUY, "quantity": market.min_quantity * 20,
        "price": market.rest_price, "time_in_force": TimeInForce.GTC,
    }  # fmt: skip
    return Terms(**{**chosen, **changes})


def placed(venue: Venue, **changes: Any) -> str:
    """The id of a resting order."""
    order_id = venue.place(terms(venue, **changes)).order_id
    assert order_id is not None
    return order_id


def answered(answer: object) -> Answer:
    """The answer, which came."""
    assert isinstance(answer, Answer)
    return answer


def traded(venue: Venue, order_id: str, quantity: Decimal) -> None:
    """Let the counterparty trade with a resting order."""
    crossing = terms(venue, account="counterparty", side=Side.SELL, quantity=quantity, time_in_force=TimeInForce.IOC)
    assert venue.place(crossing).order_id is not None


def test_rest_delete_cancels_with_delete_and_answers_the_new_status() -> None:
    """DELETE on a path of its own; the bare answer says CANCELLED, or is a 202 that says PENDING_CANCEL."""
    with dealing("rest-delete") as (venue, _):
        done = venue.cancel("primary", placed(venue))
        exchange = answered(done.answer).exchange
        assert (exchange.method, exchange.path.startswith("/v2/order/")) == ("DELETE", True)
        assert (done.status, answered(done.answer).status) == (Status.CANCELED, 200)
        assert set(answered(done.answer).body) == {"orderRef", "state"}
    with dealing("rest-delete", cancel_mode=CancelMode.DELAYED) as (venue, _):
        done = venue.cancel("primary", placed(venue))
        assert (done.status, answered(done.answer).status) == (Status.PENDING_CANCEL, 202)
        assert AnswerClass.PENDING in answered(done.answer).classes


def test_rest_delete_writes_numbers_and_names_codes() -> None:
    """Amounts are JSON numbers read exactly, the id stands in a field of its own, errors have words for codes."""
    with dealing("rest-delete") as (venue, _):
        order_id = placed(venue)
        view = venue.order("primary", order_id).view
        assert view is not None
        assert (view.raw["orderRef"], view.raw["size"], view.quantity) == (
            order_id,
            Decimal("0.0002"),
            Decimal("0.0002"),
        )
        unknown = answered(venue.cancel("primary", "01890a5d-ac96-774b-bcce-b302099a8057").answer)
        venue.cancel("primary", order_id)
        again = answered(venue.cancel("primary", order_id).answer)
        assert [(a.status, a.code) for a in (unknown, again)] == [(404, "ORDER_NOT_FOUND"), (409, "ORDER_CLOSED")]
        assert again.is_(AnswerClass.CANNOT_CANCEL)


def test_rest_delete_charges_fees_in_what_is_received_and_has_no_list() -> None:
    """The buyer gets less of the base asset; balances are a map of free and held; listing is not offered."""
    with dealing("rest-delete") as (venue, _):
        order_id = placed(venue)
        before = venue.balances("primary").balances
        traded(venue, order_id, Decimal("0.0002"))
        after = venue.balances("primary").balances
        assert before is not None
        assert after is not None
        got = (after["BTC"].available or 0) - (before["BTC"].available or 0)
        assert got == Decimal("0.0002") * (1 - Decimal("0.0010"))
        assert after["BTC"].total is None
        assert Capability.LIST not in venue.capabilities
        with pytest.raises(NotOffered):
            venue.orders("primary")


def test_rest_delete_checks_its_own_signature() -> None:
    """The payload has the key's id and the body's digest in it; a prefix names the scheme; headers are its own."""
    with dealing("rest-delete") as (venue, _):
        request = venue.prepare("primary", "cancel_all")
        assert (request.header("KX-Sign") or "").startswith("rsa-sha256=")
        assert request.header("X-API-Key") is None
        assert answered(venue.send(request)).is_(AnswerClass.ACCEPTED)
        lines = venue.signers["primary"].payload(Draft(method="DELETE", target="/v2/orders")).decode().split("\n")
        assert lines == [request.header("KX-Key"), "DELETE", "/v2/orders"]


def test_token_offers_little_and_signs_nothing() -> None:
    """No read, no cancel-all, no expiry, no control surface, no signatures: what needs them cannot be exercised."""
    with dealing("token") as (venue, exchange):
        missing = {
            Capability.READ, Capability.CANCEL_ALL, Capability.EXPIRE, Capability.HOLD_MARKET, Capability.SIGNATURES,
        }  # fmt: skip
        assert not venue.capabilities & missing
        assert (venue.prepare("primary", "list").header("Authorization") or "").startswith("Bearer ")
        with pytest.raises((ExchangeStartError, Exception), match="401"):
            exchange.control.state()


def test_token_has_one_word_for_open_and_partly_filled() -> None:
    """The executed quantity tells open from partly filled, and filled from cancelled."""
    with dealing("token") as (venue, _):
        first, second = placed(venue), placed(venue)
        traded(venue, first, Decimal(7))
        views = {view.order_id: view for view in venue.orders("primary").views or ()}
        assert {name: (view.word, view.status) for name, view in views.items()} == {
            first: ("open", Status.PARTIALLY_FILLED),
            second: ("open", Status.OPEN),
        }
        traded(venue, first, Decimal(13))
        venue.cancel("primary", second)
        read = {name: venue.order("primary", name).view for name in (first, second)}
        assert {name: view and (view.word, view.status) for name, view in read.items()} == {
            first: ("closed", Status.FILLED),
            second: ("closed", Status.CANCELED),
        }


def test_token_counts_whole_units_and_shows_free_funds_alone() -> None:
    """Every amount is a whole JSON number, fees are rounded to one, ids count up, balances are free funds alone."""
    with dealing("token") as (venue, _):
        order_id = placed(venue, price=Decimal(333))
        assert order_id.isdigit()
        traded(venue, order_id, Decimal(19))
        view = venue.order("primary", order_id).view
        assert view is not None
        assert all(isinstance(view.raw[name], int) for name in ("no", "amount", "price", "executed"))
        balances = venue.balances("primary").balances
        assert balances is not None
        assert [(b.locked, b.total) for b in balances.values()] == [(None, None)] * len(balances)
        assert all(b.available is not None and b.available == int(b.available) for b in balances.values())


def test_margin_locks_a_rate_of_both_sides_and_shows_equity() -> None:
    """A sell locks margin like a buy; a position keeps equity apart from what is available; cancel-all is unsigned."""
    with dealing("margin") as (venue, _):
        start = venue.balances("primary").balances
        assert start is not None
        for side in (Side.BUY, Side.SELL):
            price = venue.markets["BTC-USDT"].rest_price + (1 if side is Side.SELL else 0)
            order_id = placed(venue, side=side, quantity=Decimal(1), price=price)
            now = venue.balances("primary").balances
            assert now is not None
            assert (start["USDT"].available or 0) - (now["USDT"].available or 0) == price * Decimal("0.052")
            assert now["USDT"].total == start["USDT"].total
            venue.cancel("primary", order_id)
        assert venue.prepare("primary", "cancel_all").header("X-Lin-Signature") is None
        assert answered(venue.cancel_all("primary").answer).is_(AnswerClass.ACCEPTED)
        venue.fill_control(placed(venue, quantity=Decimal(1)), Decimal(1))
        held = venue.balances("primary").balances
        assert held is not None
        assert (held["USDT"].total or 0) - (held["USDT"].available or 0) == Decimal("50.00000")


def test_rpc_tells_everything_by_the_body() -> None:
    """One path, the id in the body, 422 for every refusal with a number for the reason, orders in a map by id."""
    with dealing("rpc") as (venue, _):
        order_id = placed(venue)
        listed = venue.orders("primary")
        assert list(answered(listed.answer).body["value"]) == [order_id]
        done = answered(venue.cancel("primary", order_id).answer)
        assert (done.exchange.method, done.exchange.path, order_id in done.exchange.request_body) == (
            "POST",
            "/rpc",
            True,
        )
        refused = [answered(venue.cancel("primary", name).answer) for name in (order_id, order_id[:-1] + "0", "x")]
        assert {answer.status for answer in refused} == {422}
        assert [next(iter(answer.classes)) for answer in refused] == [
            AnswerClass.CANNOT_CANCEL, AnswerClass.NOT_FOUND, AnswerClass.MALFORMED,
        ]  # fmt: skip
        balances = venue.balances("primary").balances
        assert balances is not None
        assert {(b.available, b.locked) for b in balances.values()} == {(None, None)}


def test_a_market_order_is_understood_in_every_dialect() -> None:
    """A market order without a counterpart ends at once, and is read so."""
    for dialect in ("rest-delete", "token", "margin", "rpc"):
        with dealing(dialect) as (venue, _):
            order_id = placed(venue, type=OrderType.MARKET, price=None)
            view = venue.order("primary", order_id).view
            assert view is not None
            assert view.status is Status.CANCELED


def test_an_unknown_dialect_is_refused_with_the_known_ones() -> None:
    """A dialect that does not exist is named, with those that do."""
    with pytest.raises(ValueError, match="known are documented, rest-delete, token, margin, rpc"):
        dialect_settings("no-such-dialect")
