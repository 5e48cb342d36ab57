"""The control surface: guarded, and doing to the exchange exactly what it says."""

from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from fixtures.exchange import (
    AccountCredentials,
    AccountSettings,
    ControlClient,
    ControlRefusedError,
    ExchangeProcess,
    ExchangeSettings,
    new_credential,
)
from fixtures.exchange.settings_document import settings_from_document, settings_to_document

if TYPE_CHECKING:
    from tests.exchange.conftest import Floor


def test_the_token_is_needed(floor: "Floor") -> None:
    """A wrong token, or a signature in its place, is refused."""
    client = ControlClient(floor.process.base_url, "wrong")
    with pytest.raises(ControlRefusedError, match="401"):
        client.state()
    client.close()
    assert floor.primary.call("POST", "/_control/state")[0] == 401


def test_a_fill_is_a_trade_of_the_maker_with_the_house(floor: "Floor") -> None:
    """At the order's price, with the maker's fee, and conserved."""
    before = floor.totals()
    order = floor.primary.place(side="sell", qty="2", px="100")
    floor.control.fill(order, Decimal("0.5"))
    view = floor.primary.order(order)
    assert (view["amountFilled"], view["notionalFilled"], view["feePaid"]) == ("0.5", "50", "0.05")
    assert floor.primary.balance("USDT")[2] == Decimal("1000049.95")
    assert floor.totals() == before


def test_what_cannot_be_driven_is_refused(floor: "Floor") -> None:
    """A fill beyond the rest, off the step, or of a closed order; an expiry of a closed order; unknown names."""
    order = floor.primary.place()
    refusals = []
    for quantity in ("1.00001", "0.000001", "0"):
        with pytest.raises(ControlRefusedError) as refused:
            floor.control.fill(order, Decimal(quantity))
        refusals.append(refused.value.status)
    floor.primary.cancel(order)
    for action in (
        lambda: floor.control.fill(order, Decimal(1)),
        lambda: floor.control.expire(order),
        lambda: floor.control.expire("unknown"),
        lambda: floor.control.hold("XRP-USDT", held=True),
        lambda: floor.control.call("fill", qty="1"),
        lambda: floor.control.call("nothing"),
        lambda: floor.control.reset(cancel_mode="sometimes"),
        lambda: floor.control.reset(delay_ms=[5, 1]),
        lambda: floor.control.reset(colour="red"),
        lambda: floor.control.reset(faults=["no-such-fault"]),
        lambda: floor.control.reset(accounts=[]),
    ):
        with pytest.raises(ControlRefusedError) as refused:
            action()
        refusals.append(refused.value.status)
    assert refusals == [400, 400, 400, 409, 409, 404, 400, 400, 404, 400, 400, 400, 400, 400]


def test_a_refused_reset_leaves_the_exchange_running(floor: "Floor") -> None:
    """Orders and settings are as they were."""
    order = floor.primary.place()
    with pytest.raises(ControlRefusedError, match="did you mean lock-never-released"):
        floor.control.reset(faults=["lock-never-release"])
    assert floor.primary.status(order) == "submitted"


def test_a_reset_empties_the_exchange_and_keeps_its_accounts(floor: "Floor") -> None:
    """Orders and trades are gone, first balances are back, keys still sign, other settings stay."""
    floor.control.fill(floor.primary.place(), Decimal(1))
    floor.control.reset(cancelMode="delayed", delayMs=[30, 40])
    floor.control.reset(fee_reserve=True)
    state = floor.control.state()
    assert (state["orders"], state["trades"]) == ({}, 0)
    assert floor.primary.balance("USDT") == (1_000_000, 0, 1_000_000)
    order = floor.primary.place()
    floor.primary.cancel(order)
    assert floor.primary.status(order) == "pendingcancel"
    assert floor.primary.balance("USDT")[1] == Decimal("100.2")


def test_further_accounts_can_be_opened(floor: "Floor") -> None:
    """A new account trades with its own key, also after a reset; its name cannot be taken twice."""
    settings = AccountSettings(name=f"lane-{floor.control.state()['generation']}", balances={"USDT": Decimal(500)})
    credentials = AccountCredentials(name=settings.name, keys=(new_credential(),))
    floor.control.register([(settings, credentials)])
    trader = type(floor.primary)(floor.process.base_url, credentials.key_id, credentials.private_pem)
    assert trader.status(trader.place(qty="5")) == "submitted"
    assert trader.refused(qty="0.1") == (400, "INSUFFICIENT_FUNDS")
    floor.control.reset()
    assert trader.balance("USDT") == (500, 0, 500)
    with pytest.raises(ControlRefusedError, match="exists already"):
        floor.control.register([(settings, credentials)])
    taken = AccountSettings(name="another", balances={})
    with pytest.raises(ControlRefusedError, match="registered already"):
        floor.control.register([(taken, credentials)])
    assert "another" not in floor.control.state()["accounts"]
    trader.connection.close()


def test_an_exchange_without_control_has_no_such_paths() -> None:
    """With control off the paths answer as every other unknown caller's do."""
    with ExchangeProcess(ExchangeSettings(control=False)) as process, pytest.raises(ControlRefusedError, match="401"):
        process.control.state()


def test_settings_survive_their_document() -> None:
    """Settings written and read again are equal; unknown and unreadable keys are named."""
    settings = ExchangeSettings(delay_ms=(1, 2), faults=("a",), asset_scales={"USDT": 2}, margin_asset="USDT", seed=9)
    assert settings_from_document(settings_to_document(settings)) == settings
    with pytest.raises(ValueError, match="unknown setting 'colour'"):
        settings_from_document({"colour": "red"})
    with pytest.raises(ValueError, match="setting 'makerFee' cannot be read"):
        settings_from_document({"makerFee": "much"})


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"delay_ms": (5, 1)}, "delay_ms must be a range"),
        ({"accounts": (AccountSettings(name="house", balances={}),)}, "account names must differ"),
        ({"maker_fee": Decimal(2)}, "rates must lie between 0 and 1"),
    ],
)
def test_settings_that_contradict_themselves_are_refused(changes: dict[str, object], text: str) -> None:
    """The error says what was expected and found."""
    with pytest.raises(ValueError, match=text):
        ExchangeSettings(**changes)  # type: ignore[arg-type]  # wrong on purpose
