"""The bundled foreign example against a small venue that speaks it: DELETE, tokens, maps, codes, numbers, 202."""

import json
import threading
from collections.abc import Callable, Iterator
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

import pytest

from conformance.model.order import OrderType, Side, Status, Terms, TimeInForce
from conformance.requirements import Capability
from fixtures.profiles import load_profile, profile_from_data
from fixtures.profiles.loading import _bundled
from fixtures.venue import Answer, AnswerClass, BalanceView, NotOffered, Venue

TERMS = Terms(
    account="primary", market="BTC-EUR", side=Side.BUY, quantity=Decimal("0.0050"), price=Decimal("10000.5"),
    time_in_force=TimeInForce.GTD, expires_at=1_800_000_000.25,
)  # fmt: skip


class ForeignVenue(BaseHTTPRequestHandler):
    """Orders of one account, in the dialect of the example; size 0.009 cancels with delay."""

    protocol_version = "HTTP/1.1"
    orders: ClassVar[dict[str, dict[str, Any]]] = {}
    seen: ClassVar[list[dict[str, Any]]] = []

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's own parameter name
        """Say nothing."""

    def _answer(self, status: int, body: object) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _refused(self) -> bool:
        if self.headers["Authorization"] == "Bearer token-of-primary" and "X-API-Signature" not in self.headers:
            return False
        self._answer(403, {"reason": "FORBIDDEN", "text": "no"})
        return True

    def do_POST(self) -> None:
        """Place."""
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self._refused():
            return
        self.seen.append(body)
        ref = f"R{len(self.seen)}"
        self.orders[ref] = {
            **body, "orderRef": ref, "state": "WORKING", "left": body["size"], "created": "2026-01-01T00:00:00Z",
        }  # fmt: skip
        self._answer(201, {"orderRef": ref})

    def do_GET(self) -> None:
        """Read, list, funds."""
        if self._refused():
            return
        if self.path.startswith("/trade/v2/funds"):
            self._answer(200, {"BTC": {"free": 1.5, "held": 0.25}})
        elif self.path.startswith("/trade/v2/orders?") or self.path == "/trade/v2/orders":
            history = "history=true" in self.path
            shown = {ref: order for ref, order in self.orders.items() if history or order["state"] == "WORKING"}
            self._answer(200, {"items": shown})
        elif (order := self.orders.get(self.path.rsplit("/", 1)[1])) is not None:
            self._answer(200, order)
        else:
            self._answer(404, {"reason": "NO_SUCH_ORDER", "text": "no"})

    def do_DELETE(self) -> None:
        """Cancel one or all."""
        if self._refused():
            return
        if self.path == "/trade/v2/orders":
            working = [order for order in self.orders.values() if order["state"] == "WORKING"]
            for order in working:
                order["state"] = "CANCELLED"
            self._answer(200, {"items": [{"orderRef": order["orderRef"]} for order in working]})
            return
        found = self.orders.get(self.path.rsplit("/", 1)[1])
        if found is None:
            self._answer(404, {"reason": "NO_SUCH_ORDER", "text": "no"})
        elif found["state"] != "WORKING":
            self._answer(409, {"reason": "NOT_CANCELLABLE", "text": "no"})
        else:
            delayed = found["size"] == 0.009
            found["state"] = "CANCELLING" if delayed else "CANCELLED"
            self._answer(202 if delayed else 200, {"state": found["state"]})


@pytest.fixture
def venue(monkeypatch: pytest.MonkeyPatch) -> Iterator[Venue]:
    """A venue that speaks the foreign example's dialect."""
    ForeignVenue.orders.clear()
    ForeignVenue.seen.clear()
    monkeypatch.setenv("EXAMPLE_PRIMARY_TOKEN", "token-of-primary")
    monkeypatch.setenv("EXAMPLE_COUNTERPARTY_TOKEN", "token-of-counterparty")
    server = ThreadingHTTPServer(("127.0.0.1", 0), ForeignVenue)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    data = _bundled("foreign_example")
    data["target"] = {"name": "foreign", "base_url": f"http://127.0.0.1:{server.server_port}/trade"}
    try:
        with Venue(profile_from_data(data)) as opened:
            yield opened
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _answer(answer: object) -> Answer:
    assert isinstance(answer, Answer)
    return answer


def test_a_place_speaks_the_dialect(venue: Venue) -> None:
    """Words, numbers and times stand in the body as the dialect wants them, numbers digit for digit."""
    placed = venue.place(TERMS)
    assert placed.order_id == "R1"
    assert '"size":0.0050,"limit":10000.5' in _answer(placed.answer).exchange.request_body
    assert ForeignVenue.seen == [
        {
            "instrument": "btceur", "direction": "B", "kind": "LMT", "size": 0.005, "limit": 10000.5,
            "validity": "GTT", "until": "2027-01-15T08:00:00.250+00:00", "ref": placed.client_id,
        }
    ]  # fmt: skip


def test_an_order_is_read_in_canonical_words(venue: Venue) -> None:
    """A bare answer, a remaining quantity, one word for two statuses and ISO times become the canonical view."""
    placed = venue.place(TERMS)
    ForeignVenue.orders["R1"]["left"] = 0.002
    view = venue.order("primary", "R1").view
    assert view is not None
    assert (view.status, view.executed, view.market) == (Status.PARTIALLY_FILLED, Decimal("0.003"), "BTC-EUR")
    assert (view.side, view.type, view.time_in_force) == (Side.BUY, OrderType.LIMIT, TimeInForce.GTD)
    assert (view.client_id, view.created_at) == (placed.client_id, 1_767_225_600.0)


def test_cancels_are_classed(venue: Venue) -> None:
    """200 is accepted and 202 pending, with the new status from the answer; codes make the refusals."""
    venue.place(TERMS)
    first = venue.cancel("primary", "R1")
    assert _answer(first.answer).classes == {AnswerClass.ACCEPTED}
    assert first.status is Status.CANCELED
    assert _answer(venue.cancel("primary", "R1").answer).classes == {AnswerClass.CANNOT_CANCEL}
    assert _answer(venue.cancel("primary", "R9").answer).classes == {AnswerClass.NOT_FOUND}
    assert _answer(venue.cancel("counterparty", "R1").answer).classes == {AnswerClass.UNAUTHENTICATED}
    venue.place(Terms(account="primary", market="BTC-EUR", side=Side.BUY, quantity=Decimal("0.009"), price=Decimal(1)))
    delayed = venue.cancel("primary", "R2")
    assert _answer(delayed.answer).classes == {AnswerClass.PENDING}
    assert (delayed.status, delayed.word) == (Status.PENDING_CANCEL, "CANCELLING")


def test_lists_cancel_all_and_balances(venue: Venue) -> None:
    """Orders come as a map, cancelled ones as records, balances as a map of what is free and held."""
    for _ in range(3):
        venue.place(TERMS)
    venue.cancel("primary", "R2")
    active, every = venue.orders("primary").views, venue.orders("primary", include_closed=True).views
    assert active is not None
    assert every is not None
    assert [[view.order_id for view in views] for views in (active, every)] == [["R1", "R3"], ["R1", "R2", "R3"]]
    assert venue.cancel_all("primary").order_ids == ("R1", "R3")
    assert venue.balances("primary").balances == {
        "BTC": BalanceView(available=Decimal("1.5"), locked=Decimal("0.25"), decimals=14),
    }


def test_what_the_dialect_has_not_is_no_capability(venue: Venue) -> None:
    """Without signatures, control requests and held markets, these are missing capabilities and refuse to be used."""
    missing = {Capability.SIGNATURES, Capability.SIGNED_CANCEL_ALL, Capability.HOLD_MARKET, Capability.REJECTED_ORDERS}
    assert not venue.capabilities & missing
    uses: list[Callable[[], object]] = [
        lambda: venue.fill_control("R1", Decimal(1)),
        lambda: venue.expire_control("R1"),
        lambda: venue.hold_market("BTC-EUR", True),
    ]
    for use in uses:
        with pytest.raises(NotOffered, match="names no control request"):
            use()


def test_the_example_loads_as_it_is() -> None:
    """The file that vendors copy is a valid profile."""
    profile = load_profile("foreign_example")
    assert profile.target.host == "sandbox.example.com"
    assert profile.warnings() == ()


def test_an_order_can_be_read_through_the_list_alone(venue: Venue) -> None:
    """A dialect without a read operation finds an order in the list with closed ones."""
    data = _bundled("foreign_example")
    data["target"] = venue.profile.target.model_dump(mode="json", exclude_none=True)
    del data["operations"]["read"]
    venue.place(TERMS)
    venue.cancel("primary", "R1")
    with Venue(profile_from_data(data)) as listing:
        read = listing.order("primary", "R1")
        assert read.view is not None
        assert read.view.status is Status.CANCELED
        assert listing.order("primary", "R9").view is None
        assert Capability.READ not in listing.capabilities
