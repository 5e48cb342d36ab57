"""Every verb against the embedded exchange, over real HTTP."""

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from conformance.errors import UserError
from conformance.model.order import OrderType, Side, Status, Terms, TimeInForce
from conformance.requirements import Capability
from fixtures.embedded import embedded_target
from fixtures.exchange import CancelMode, ExchangeProcess, ExchangeSettings, LockModel
from fixtures.profiles import Profile
from fixtures.venue import Answer, AnswerClass, Desk, OrderView, Unknown, Venue
from fixtures.venue.journal import leftovers
from fixtures.venue.request import PreparedRequest
from fixtures.venue.sweep import check_no_leftovers, sweep

TERMS = Terms(account="primary", market="BTC-USDT", side=Side.BUY, quantity=Decimal("0.5"), price=Decimal("1000.00"))
FILL_BY_CONTROL = {
    "how": "control",
    "request": {"method": "POST", "path": "/_control/fill", "body": {"orderId": "{order_id}", "qty": "{quantity}"}},
}
NEVER_PLACED = "01900000-0000-7000-8000-000000000000"


@pytest.fixture(scope="module")
def running() -> Iterator[tuple[Profile, ExchangeProcess]]:
    """One exchange for the module, with a second lane."""
    with embedded_target(overrides={"drivers": {"fill": FILL_BY_CONTROL}}, lanes=2) as pair:
        yield pair


@pytest.fixture
def venue(running: tuple[Profile, ExchangeProcess]) -> Iterator[Venue]:
    """A venue on a fresh, empty exchange."""
    profile, exchange = running
    exchange.control.reset()
    with Venue(profile) as opened:
        yield opened


def _order(venue: Venue, terms: Terms = TERMS) -> str:
    placed = venue.place(terms)
    assert placed.answer.exchange.status == 200
    assert placed.order_id is not None
    return placed.order_id


def _view(venue: Venue, order_id: str, account: str = "primary") -> OrderView:
    view = venue.order(account, order_id).view
    assert view is not None
    return view


def _classes(answer: Answer | Unknown) -> frozenset[AnswerClass]:
    assert isinstance(answer, Answer)
    return answer.classes


def test_an_order_is_placed_read_and_listed(venue: Venue) -> None:
    """What was asked for is what is shown, in canonical words."""
    order_id = _order(venue)
    view = _view(venue, order_id)
    assert (view.order_id, view.status, view.executed) == (order_id, Status.OPEN, Decimal(0))
    assert (view.side, view.type, view.time_in_force) == (Side.BUY, OrderType.LIMIT, TimeInForce.GTC)
    assert (view.market, view.quantity, view.price) == ("BTC-USDT", Decimal("0.5"), Decimal("1000.00"))
    listed = venue.orders("primary")
    assert listed.views is not None
    assert [order.order_id for order in listed.views] == [order_id]
    assert listed.began <= listed.ended
    assert venue.orders("counterparty").views == ()


def test_a_cancel_is_accepted_once(venue: Venue) -> None:
    """An open order cancels; a second time it cannot; another account and an unknown id are not found."""
    order_id = _order(venue)
    assert _classes(venue.cancel("counterparty", order_id).answer) == {AnswerClass.NOT_FOUND}
    assert _classes(venue.cancel("primary", order_id).answer) == {AnswerClass.ACCEPTED}
    assert _view(venue, order_id).status is Status.CANCELED
    assert AnswerClass.CANNOT_CANCEL in _classes(venue.cancel("primary", order_id).answer)
    assert _classes(venue.cancel("primary", NEVER_PLACED).answer) == {AnswerClass.NOT_FOUND}
    assert AnswerClass.MALFORMED in _classes(venue.cancel("primary", "no-uuid").answer)


def test_cancel_all_names_what_it_cancelled(venue: Venue) -> None:
    """Orders of every market come back by id; with nothing active it names none."""
    ids = {
        _order(venue),
        _order(venue, replace(TERMS, market="ETH-EUR", side=Side.SELL, price=Decimal("100.000"))),
        _order(venue, replace(TERMS, market="DOGE-USDT", quantity=Decimal(7), price=Decimal("0.10000"))),
    }
    assert set(venue.cancel_all("primary").order_ids or ()) == ids
    assert venue.cancel_all("primary").order_ids == ()


def test_balances_show_the_lock(venue: Venue) -> None:
    """An order's lock stands in the balances, and available and locked make the total."""
    before = venue.balances("primary").balances
    _order(venue)
    after = venue.balances("primary").balances
    assert before is not None
    assert after is not None
    usdt = after["USDT"]
    assert usdt.locked == Decimal("500.000")
    assert usdt.available is not None
    assert usdt.total == usdt.available + Decimal(500) == before["USDT"].total


def test_the_control_drivers_work(venue: Venue) -> None:
    """Fill, expire and hold do what their names say, and their requests show no token."""
    filled = _order(venue)
    answer = venue.fill_control(filled, Decimal("0.2"))
    assert _classes(answer) == {AnswerClass.ACCEPTED}
    assert venue.profile.drivers.control.token is not None
    assert str(venue.profile.drivers.control.token.inline) not in str(answer.exchange.to_json())
    assert _view(venue, filled).status is Status.PARTIALLY_FILLED
    expiring = _order(venue, replace(TERMS, time_in_force=TimeInForce.GTD, expires_at=4_000_000_000.0))
    venue.expire_control(expiring)
    assert _view(venue, expiring).status is Status.EXPIRED
    assert _classes(venue.hold_market("BTC-USDT", True)) == {AnswerClass.ACCEPTED}
    market = _order(venue, replace(TERMS, type=OrderType.MARKET, price=None, time_in_force=TimeInForce.IOC))
    assert _view(venue, market).status is Status.PENDING
    venue.hold_market("BTC-USDT", False)
    assert _view(venue, market).status is not Status.PENDING


def test_a_crossing_fills_and_a_crossing_post_only_order_is_rejected(venue: Venue) -> None:
    """The counterparty fills an order by crossing it; a post-only order that would cross ends REJECTED with an id."""
    order_id = _order(venue)
    crossing = replace(TERMS, account="counterparty", side=Side.SELL, quantity=Decimal("0.1"))
    rejected = venue.place(crossing, post_only=True)
    assert rejected.order_id is not None
    assert _view(venue, rejected.order_id, "counterparty").status is Status.REJECTED
    _order(venue, crossing)
    assert _view(venue, order_id).executed == Decimal("0.1")


def test_a_refused_place_is_rejected(venue: Venue) -> None:
    """An order off the tick is refused, has no id and leaves nothing in the journal."""
    placed = venue.place(replace(TERMS, price=Decimal("1000.001")))
    assert AnswerClass.REJECTED in _classes(placed.answer)
    assert placed.order_id is None
    assert venue.desk.journal.open_count == 0


def test_a_lost_place_is_found_by_its_client_id(venue: Venue) -> None:
    """An order whose answer is lost can be found while it is active and after it has closed."""
    placed = venue.place(TERMS)
    assert placed.order_id is not None
    found = venue.find_by_client_id("primary", placed.client_id)
    assert found is not None
    assert found.order_id == placed.order_id
    venue.cancel("primary", placed.order_id)
    closed = venue.find_by_client_id("primary", placed.client_id)
    assert closed is not None
    assert closed.status is Status.CANCELED
    assert venue.find_by_client_id("primary", "no-such-id") is None


def test_foreign_orders_are_told_from_our_own(venue: Venue, running: tuple[Profile, ExchangeProcess]) -> None:
    """An active order of the account that another run placed is foreign; our own is not."""
    with Venue(running[0]) as stranger:
        foreign = _order(stranger)
        _order(venue)
        assert [view.order_id for view in venue.foreign_orders("primary")] == [foreign]


def test_lanes_have_accounts_of_their_own(running: tuple[Profile, ExchangeProcess], venue: Venue) -> None:
    """The second lane trades under the same roles with other accounts, which see nothing of the first."""
    profile, _ = running
    assert profile.lanes == (1, 2)
    with Venue(profile, lane=2) as second:
        order_id = _order(second)
        assert venue.orders("primary").views == ()
        assert _classes(venue.cancel("primary", order_id).answer) == {AnswerClass.NOT_FOUND}
    with pytest.raises(UserError, match="expected an account of lane 3"):
        Venue(profile, lane=3)


def test_capabilities_of_the_embedded_exchange_are_complete(venue: Venue) -> None:
    """The embedded profile can exercise every capability but the ones that need a document."""
    others = {Capability.ED25519_SIGNATURES, Capability.TIMED_REQUESTS, Capability.COUNTED_REQUESTS}
    assert set(Capability) - venue.capabilities <= {Capability.OPENAPI} | others


@pytest.mark.parametrize("raw", [False, True])
def test_a_wrong_signature_is_refused_on_both_ways(venue: Venue, raw: bool) -> None:
    """An altered signature answers 401 through the library and through the socket; the right one is accepted."""
    request = venue.prepare("primary", "cancel", order_id=_order(venue))
    headers = tuple((name, "AAAA" if name == "X-API-Signature" else value) for name, value in request.headers)
    for sent, status in ((replace(request, headers=headers), 401), (request, 200)):
        answer = venue.send_raw(sent.wire("localhost")) if raw else venue.send(sent, hostile=True)
        assert isinstance(answer, Answer)
        assert answer.status == status


def test_a_body_in_chunks_is_the_same_body(venue: Venue) -> None:
    """RFC 9112, section 7.1: a request that says so is sent in chunks, with a body or without one, and understood."""

    def chunked(request: PreparedRequest) -> Answer:
        headers = (*request.headers, ("Transfer-Encoding", "chunked"))
        answer = venue.send_raw(replace(request, headers=headers).wire("localhost"))
        assert isinstance(answer, Answer)
        return answer

    placed = venue.placed(chunked(venue.prepare("primary", "place", terms=TERMS)), "chunked")
    assert placed.order_id is not None
    assert _view(venue, placed.order_id).quantity == TERMS.quantity
    assert chunked(venue.prepare("primary", "cancel", order_id=placed.order_id)).status == 200
    assert _view(venue, placed.order_id).status is Status.CANCELED


def test_other_settings_come_into_the_profile() -> None:
    """Lock model, fees and cancel mode of the settings are what the profile then says."""
    settings = ExchangeSettings(
        lock_model=LockModel.MARGIN, margin_asset="USDT", taker_fee=Decimal("0.003"), cancel_mode=CancelMode.DELAYED
    )
    with embedded_target(settings, {"timing": {"read_delay": 0.08}}) as (profile, _), Venue(profile) as venue:
        assert (profile.lock.model, profile.lock.asset) == ("margin", "USDT")
        assert profile.fees_of("BTC-USDT").taker == Decimal("0.003")
        assert profile.timing.read_delay == 0.08
        order_id = _order(venue)
        venue.cancel("primary", order_id)
        assert _view(venue, order_id).status in (Status.PENDING_CANCEL, Status.CANCELED)


def test_sweep_cancels_exactly_the_leftovers(
    running: tuple[Profile, ExchangeProcess], venue: Venue, tmp_path: Any
) -> None:
    """Of a run that died, what is open is cancelled, also where its id was never learned; a foreign order stays."""
    profile, _ = running
    foreign = _order(venue)
    dead = Desk(profile, state=tmp_path, run="dead")
    with Venue(profile, desk=dead) as run:
        ids = [_order(run) for _ in range(40)]
        other = _order(run, replace(TERMS, account="counterparty"))
        done = _order(run)
        venue.cancel("primary", done)
        lost = run.place(TERMS)
        dead.journal.intent("primary", "BTC-USDT", "never-sent")
    dead.close()
    # The order is known by its client id, but its own id never reached the journal.
    lines = [line for line in dead.journal.path.read_text().splitlines() if str(lost.order_id) not in line]
    dead.journal.path.write_text("\n".join(lines) + "\n")
    assert len(leftovers(dead.folder)) == 44

    with Desk(profile, state=tmp_path) as desk, pytest.raises(UserError, match="cancel-conformance sweep"):
        check_no_leftovers(profile, desk)
    report = sweep(profile, state=tmp_path)
    assert report.clean
    assert {left.client_id for left in report.cancelled} >= {lost.client_id}
    assert {left.order_id for left in report.cancelled} == {*ids, other, None}
    assert [left.order_id for left in report.over] == [done]
    assert [left.client_id for left in report.never_arrived] == ["never-sent"]
    active = venue.orders("primary").views
    assert active is not None
    assert [view.order_id for view in active] == [foreign]
    assert venue.orders("counterparty").views == ()
    assert leftovers(dead.folder) == ()
    assert sweep(profile, state=tmp_path).cancelled == ()


def test_sweep_settles_what_no_answer_named_where_no_order_shows_a_client_id(
    running: tuple[Profile, ExchangeProcess], venue: Venue, tmp_path: Any
) -> None:
    """An order whose placing had no answer is over where the account has none open, and may be any that it has open."""
    profile, _ = running
    nameless = profile.model_copy(update={"order": profile.order.model_copy(update={"client_id": None})})
    dead = Desk(nameless, state=tmp_path, run="dead")
    dead.journal.intent("primary", "BTC-USDT", "never-answered")
    dead.close()

    standing = _order(venue)
    (problem,) = sweep(nameless, state=tmp_path).failed
    assert standing in problem[1]
    venue.cancel("primary", standing)
    report = sweep(nameless, state=tmp_path)
    assert report.clean
    assert [left.client_id for left in report.never_arrived] == ["never-answered"]
    assert leftovers(dead.folder) == ()


def test_sweep_refuses_while_a_run_uses_the_account(running: tuple[Profile, ExchangeProcess], tmp_path: Any) -> None:
    """What a living run has open is not a leftover."""
    profile, _ = running
    with Desk(profile, state=tmp_path) as desk, Venue(profile, desk=desk) as run:
        desk.lock(*run.account_keys.values())
        order_id = _order(run)
        with pytest.raises(UserError, match="in use by another run"):
            sweep(profile, state=tmp_path)
        assert _view(run, order_id).status is Status.OPEN
