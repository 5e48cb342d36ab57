"""Every seeded fault is served, and shows in what its exchange answers: judged by comparison with the honest one."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from fixtures.exchange import CancelMode
from fixtures.exchange.api import Api
from fixtures.exchange.engine import Engine
from fixtures.exchange.parts import Parts
from fixtures.faults import FAULTS, Family, Fault, by_requirement, compose, families

if TYPE_CHECKING:
    from tests.exchange.conftest import Desk, Floor

OWN = {"bulk", "drift", "funds", "neighbours", "not-found", "pending", "rare", "states", "terminal", "views"}
LATER = 1_700_000_600_000


def one_of_each(desk: "Desk") -> None:
    """Orders of both sides and three markets, open and partially filled, cancelled one by one, then again."""
    orders = [
        desk.place(px="101.37", qty="0.12345"),
        desk.place(side="sell", px="200", qty="3"),
        desk.place(symbol="ETH-EUR", px="99.123", qty="1.2345"),
        desk.place(symbol="DOGE-USDT", side="sell", px="0.5", qty="77"),
        desk.place(px="100", qty="2", timeInForce="gtd", cancelAt=LATER, clientOrderId="c" * 40),
        desk.place(px="100", qty="1"),
        desk.place("third", px="100", qty="4"),
    ]
    desk.look()
    desk.fill(orders[4], "0.5")
    desk.fill(orders[1], "1.5")
    for order in (*orders[:6], *orders[:6], orders[0], orders[0]):
        desk.cancel(order).wait(120).look()
    desk.wait(400).look()


def fills(desk: "Desk") -> None:
    """One, two and three fills, a rest of one step, a whole fill, each then cancelled."""
    for quantities in (["0.4"], ["0.4", "0.3"], ["0.3", "0.2", "0.1"], ["0.99999"], ["1"]):
        order = desk.place()
        for quantity in quantities:
            desk.fill(order, quantity)
        desk.cancel(order).wait(200).cancel(order).cancel(order)


def crossings(desk: "Desk") -> None:
    """Queues of one price before and after a cancel, crossings of what was cancelled, and fills at a better price."""
    first, second, third = desk.place("third"), desk.place(), desk.place("third", qty="2")
    behind = desk.place()
    desk.cancel(second).place("counterparty", side="sell", qty="0.5")
    desk.look().wait(200).look().place("counterparty", side="sell", qty="1")
    desk.look().cancel(first, "third").cancel(third, "third").cancel(behind).wait(200).look()
    desk.cancel(desk.place("third"), "third").wait(60).place("counterparty", side="sell", qty="1")
    desk.look().cancel_all("counterparty").wait(200)
    desk.place("counterparty", side="sell", px="50", qty="1")
    cheap = desk.place(qty="1.5", px="60")
    desk.look().cancel(cheap).wait(200).look()
    desk.place("counterparty", side="sell", px="90", qty="0.5")
    better = desk.place(px="95", qty="0.5")
    desk.look().cancel(better)


def small_and_old(desk: "Desk") -> None:
    """An order of one step, ones of a second and of six, a large sell, an expiry and a rejected order."""
    desk.cancel(desk.place(qty="0.00001")).wait(200)
    old = desk.place()
    desk.wait(1500).cancel(old).wait(200).look()
    older = desk.place()
    desk.wait(6000).cancel(older).wait(6000).cancel(older).wait(200).look()
    desk.cancel(desk.place(side="sell", px="300", qty="12")).wait(200).look()
    expiring = desk.place(timeInForce="gtd", cancelAt=desk.now + 100)
    desk.wait(200).look().cancel(expiring)
    desk.place("counterparty", side="sell", px="100")
    rejected = desk.place(postOnly=True)
    desk.look().cancel(rejected).cancel_all()


def everything(desk: "Desk", orders: int = 8) -> None:
    """A cancel-all over both sides and several markets, with neighbours, repeated, and another order after it."""
    closed = [desk.place(), desk.place(timeInForce="gtd", cancelAt=desk.now + 50), desk.place()]
    desk.fill(closed[2], "1").cancel(closed[0]).wait(300)
    desk.place("third", px="100", qty="3")
    for number in range(orders):
        symbol = ("BTC-USDT", "ETH-EUR")[number % 2]
        sell = number % 3 == 0
        order = desk.place(symbol=symbol, side="sell" if sell else "buy", px="150" if sell else "100", qty="0.5")
        if number % 5 == 4:
            desk.fill(order, "0.2")
    desk.place(timeInForce="gtd", cancelAt=LATER)
    desk.look().cancel_all().cancel_all().wait(400).look().cancel_all()
    desk.cancel(desk.place()).wait(200).look()
    for _ in range(7):
        desk.cancel(desk.place()).wait(100)


def many(desk: "Desk") -> None:
    """Sixty orders, then a cancel-all."""
    for _ in range(60):
        desk.place(qty="0.01")
    desk.cancel_all().wait(400).look()


def crowd(desk: "Desk") -> None:
    """Twelve orders at one price and twenty-four in all, cancelled from the back."""
    orders = [desk.place(qty="0.01", px=str(100 + number // 12)) for number in range(24)]
    for order in reversed(orders):
        desk.cancel(order).wait(100)


def held(desk: "Desk") -> None:
    """A market order that is executing, its cancel, a cancel-all, and its release."""
    engine = desk.service.engine
    desk.control(lambda: engine.hold("BTC-USDT", True))
    order = desk.place(orderType="market", px=None)
    desk.look().cancel(order).cancel_all().control(lambda: engine.hold("BTC-USDT", False))


def pending(desk: "Desk") -> None:
    """Fills and further cancels while a cancel is pending, looked at all the way."""
    for filled in ([], ["0.2"], ["1"], ["0.2", "0.8"]):
        order = desk.place()
        desk.cancel(order).wait(10).look()
        for quantity in filled:
            desk.fill(order, quantity).wait(10).look()
        desk.cancel(order).wait(15).look().wait(10).look().wait(40).look().wait(300).look()


def strangers(desk: "Desk") -> None:
    """Cancels and reads of unknown orders and of another account's, open and closed."""
    unknown = "01890a5d-ac96-774b-bcce-b302099a8057"
    desk.cancel(unknown).call("primary", "GET", f"/api/v1/orders/{unknown}")
    order = desk.place()
    desk.call("third", "GET", f"/api/v1/orders/{order}")
    desk.cancel(order, "third").cancel(order).wait(300).cancel(order, "third")
    rests = desk.place(px="90", qty="0.5")
    desk.cancel(rests, "third").place("counterparty", side="sell", px="90", qty="0.5")
    desk.look()


def neighbours(desk: "Desk") -> None:
    """Of two orders at one price one is cancelled, and again in vain, before an opposite order comes."""
    closed, _ = desk.place(px="90", qty="0.5"), desk.place(px="90", qty="0.5")
    desk.cancel(closed).wait(200).cancel(closed).place("counterparty", side="sell", px="90", qty="0.5")
    desk.look()


def usable(desk: "Desk") -> None:
    """An order for all funds, cancelled, and placed again; a refused cancel between two others."""
    order = desk.place(qty="1000", px="1000")
    desk.cancel(order).wait(200).cancel(order)
    again = desk.place(qty="1000", px="1000")
    desk.look().cancel(again).wait(200).look()


def unlike(desk: "Desk") -> None:
    """Post-only orders that rest, cancelled alone and with all; a deadline that is moved to now after the cancel."""
    desk.cancel(desk.place(postOnly=True)).wait(200).look()
    desk.place(postOnly=True)
    desk.cancel_all().wait(200).look()
    timed = desk.place(timeInForce="gtd", cancelAt=LATER)
    desk.cancel(timed).wait(200).look().expire(timed)


def coming(desk: "Desk") -> None:
    """Orders of each kind that come where the other side was just cancelled, and what rests is crossed."""
    for terms in ({}, {"timeInForce": "ioc"}, {"postOnly": True}, {"orderType": "market", "px": None}):
        desk.cancel(desk.place()).wait(200).place("counterparty", **{"side": "sell", "qty": "0.5", **terms})
        desk.look().cancel_all("counterparty").wait(200)
    desk.place("counterparty", side="sell", qty="0.5")
    took = desk.place(qty="1")
    desk.cancel(took).wait(200).place("counterparty", side="sell", qty="0.5")
    desk.look().cancel_all("counterparty").wait(200)
    desk.place()
    desk.place(side="sell", qty="0.5")
    desk.look()
    engine = desk.service.engine
    mine = desk.place(symbol="ETH-EUR", qty="0.5")
    desk.control(lambda: engine.hold("ETH-EUR", True))
    desk.place("counterparty", symbol="ETH-EUR", side="sell", orderType="market", px=None, qty="0.5")
    desk.cancel(mine).wait(200).control(lambda: engine.hold("ETH-EUR", False))


def deep(desk: "Desk") -> None:
    """Seven orders at one price by turns of two accounts; the third, then the first goes; then all are crossed."""
    orders = [desk.place(("primary", "third")[number % 2], qty="0.1") for number in range(7)]
    desk.cancel(orders[2]).wait(200).cancel(orders[0]).wait(200)
    for _ in range(6):
        desk.place("counterparty", side="sell", qty="0.1")
        desk.look()


def deadlines(desk: "Desk") -> None:
    """An order cancelled 30 ms before its time, one that expires and one that is cancelled with nothing else there."""
    near = desk.place(timeInForce="gtd", cancelAt=desk.now + 30)
    desk.cancel(near).wait(200).look()
    longer = desk.place(timeInForce="gtd", cancelAt=desk.now + 90)
    desk.cancel(longer).wait(200).look()
    desk.place(qty="1000", px="1000", timeInForce="gtd", cancelAt=desk.now + 100)
    desk.wait(200).look()
    desk.cancel(desk.place(qty="1000", px="1000")).wait(200).look()


def again(desk: "Desk") -> None:
    """Client ids that are used again after a cancel, with an order between, and a crossing of what stands."""
    desk.cancel(desk.place(clientOrderId="one")).wait(200)
    desk.place("third", qty="0.5")
    desk.place(clientOrderId="one", qty="0.5")
    desk.place(clientOrderId="two")
    desk.look().place("counterparty", side="sell", qty="0.5")
    desk.look().cancel(desk.place(clientOrderId="three", postOnly=True)).wait(200).look()


def very_old(desk: "Desk") -> None:
    """An order of twenty-one seconds is cancelled."""
    order = desk.place()
    desk.wait(21_000).cancel(order).wait(200).look()


SCENARIOS: tuple[Callable[["Desk"], None], ...] = (
    one_of_each,
    fills,
    pending,
    everything,
    strangers,
    neighbours,
    crossings,
    held,
    small_and_old,
    usable,
    many,
    crowd,
    unlike,
    coming,
    deep,
    deadlines,
    again,
    very_old,
)


_remembered: dict[tuple[int, CancelMode], list[object]] = {}


def honest(desk: Callable[..., "Desk"], number: int, mode: CancelMode) -> list[object]:
    """What the honest exchange answers in a scenario, asked once."""
    if (number, mode) not in _remembered:
        _remembered[number, mode] = run(desk, number, mode, ())
    return _remembered[number, mode]


def run(desk: Callable[..., "Desk"], number: int, mode: CancelMode, faults: tuple[str, ...]) -> list[object]:
    """What an exchange answers in a scenario; cancels take 50 ms where they are delayed."""
    opened = desk(cancel_mode=mode, delay_ms=(50, 50), faults=faults)
    SCENARIOS[number](opened)
    return opened.log


OURS = [fault for fault in FAULTS.values() if fault.family in OWN]


@pytest.mark.parametrize("mode", [CancelMode.IMMEDIATE, CancelMode.DELAYED])
@pytest.mark.parametrize("number", range(len(SCENARIOS)))
def test_the_honest_exchange_answers_the_same_again(desk: Callable[..., "Desk"], number: int, mode: CancelMode) -> None:
    """Two honest exchanges answer a scenario alike; without that, a difference would prove nothing."""
    assert run(desk, number, mode, ()) == honest(desk, number, mode)


@pytest.mark.parametrize("fault", OURS, ids=lambda fault: fault.name)
def test_a_fault_shows_in_its_answers(desk: Callable[..., "Desk"], fault: Fault) -> None:
    """In each of the pure modes it names, the faulty exchange answers some scenario unlike the honest one."""
    modes = [mode for mode in fault.modes if mode is not CancelMode.MIXED]
    assert modes
    for mode in modes:
        shown = any(
            run(desk, number, mode, (fault.name,)) != honest(desk, number, mode) for number in range(len(SCENARIOS))
        )
        assert shown, f"{fault.name} changes nothing that is seen when cancels are {mode.value}"


def test_every_fault_is_served(floor: "Floor") -> None:
    """With any one fault the exchange starts afresh, takes an order, and still answers its reads."""
    for name in FAULTS:
        floor.control.reset(faults=[name])
        status, document = floor.primary.call("POST", "/api/v1/orders", floor.primary.ticket())
        assert (name, status) == (name, 200)
        assert set(document["data"]) == {"orderId"}
        floor.control.state()


def test_a_fault_has_a_plain_name_and_a_requirement() -> None:
    """Names are lower-case words joined by hyphens, summaries are one line, requirements look like ids."""
    for name, fault in FAULTS.items():
        assert name == fault.name == name.lower().replace(" ", "-")
        assert fault.summary
        assert "\n" not in fault.summary
        assert not fault.summary.endswith(".")
        assert fault.requirement[:3].isupper()
        assert fault.requirement[3] == "-"
        assert fault.modes


def test_faults_are_found_by_family_and_by_requirement() -> None:
    """Both views hold every fault exactly once."""
    assert sorted(f.name for group in families().values() for f in group) == sorted(FAULTS)
    assert sorted(f.name for group in by_requirement().values() for f in group) == sorted(FAULTS)
    assert all(f.requirement == name for name, group in by_requirement().items() for f in group)
    assert set(families()) >= OWN


def test_an_unknown_fault_is_named_with_its_neighbours() -> None:
    """A misspelt name is an error that says which names are near."""
    with pytest.raises(ValueError, match=r"'lock-never-release'; did you mean .*lock-never-released"):
        compose(["lock-never-release"])


def test_faults_of_one_part_stack() -> None:
    """Two faults of the engine are both in the engine that results, and the other parts stay honest."""
    parts = compose(["bulk-skips-sells", "lock-never-released"])
    names = {base.__name__ for base in parts.engine.__mro__}
    assert {"BulkSkipsSells", "LockNeverReleased", "Engine"} <= names
    assert parts.api is Api
    assert compose([]) == Parts()


def test_a_fault_needs_its_one_line() -> None:
    """A class without a docstring cannot become a fault, and a foreign class cannot be put into an exchange."""
    family = Family("test")

    class Nameless(Engine):
        pass

    Nameless.__doc__ = None
    with pytest.raises(ValueError, match="needs a docstring"):
        family.fault("nameless", "CXL-01")(Nameless)
    with pytest.raises(TypeError, match="subclass of none"):
        Parts().overridden(dict)


def test_a_summary_is_one_line_of_the_docstring() -> None:
    """A docstring over several lines becomes one line without its full stop."""
    family = Family("test")

    class Wrong(Engine):
        """Does
        wrong.
        """

    family.fault("wrong", "CXL-01")(Wrong)
    assert [fault.summary for fault in family.faults] == ["Does wrong"]
