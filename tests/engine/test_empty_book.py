"""A target without any control surface, where an empty book holds market orders: judged in full, and left clean."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from decimal import Decimal
from pathlib import Path

import pytest

from conformance.application.run import Options, perform
from conformance.model.order import OrderType, Side, Terms
from conformance.plans import Action, Cancel, CancelAll, Fill, HoldMarket, Parallel, Place, Plan, Snapshot
from conformance.runner.execute import run_plan
from conformance.runner.lane_memory import LaneMemory
from conformance.verdicts import Verdict
from fixtures.exchange import CancelMode, ExchangeProcess, ExchangeSettings
from fixtures.faults import FAULTS, compose
from fixtures.profiles import load_profile
from fixtures.venue import Venue
from fixtures.venue.sweep import sweep

Target = Callable[..., AbstractContextManager[Path]]
LOOK = Snapshot()
HOLD = HoldMarket(market="BTC-USDT", held=True)
SETTLED = {"filled", "cancelled", "partiallyfilledcancelled", "expired", "rejected"}


def order(name: str, price: str | None, side: Side = Side.BUY, account: str = "primary") -> Place:
    """An order of one BTC, a market order without a price."""
    kind = OrderType.MARKET if price is None else OrderType.LIMIT
    limit = None if price is None else Decimal(price)
    return Place(order=name, market="BTC-USDT", side=side, quantity=Decimal(1), price=limit, type=kind, account=account)


@pytest.fixture
def target(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Target:
    """Serves an exchange where market orders wait, and writes a target file that names no control request."""
    monkeypatch.setenv("CANCEL_CONFORMANCE_STATE", str(tmp_path / "state"))

    @contextmanager
    def served(mode: CancelMode = CancelMode.MIXED, *, fault: str | None = None) -> Iterator[Path]:
        settings = ExchangeSettings(
            cancel_mode=mode,
            delay_ms=(5, 40),
            faults=() if fault is None else (fault,),
            market_orders_wait=True,
        )
        with ExchangeProcess(settings, compose=compose) as exchange:
            lines = [
                'extends = "embedded"', f'target = {{ base_url = "{exchange.base_url}" }}',
                'drivers = { control = false, expire = false, hold_market = { how = "empty-book" } }',
            ]  # fmt: skip
            for name in ("primary", "counterparty", "third"):
                account = exchange.accounts[name]
                (tmp_path / f"{name}.pem").write_bytes(account.private_pem)
                lines += [
                    f"[accounts.{name}]",
                    f'key_id = "{account.key_id}"',
                    f'private_key = {{ file = "{name}.pem" }}',
                ]
            (tmp_path / "target.toml").write_text("\n".join(lines))
            yield tmp_path / "target.toml"
            assert fault is not None or set(exchange.control.state()["orders"]) <= SETTLED

    return served


@pytest.mark.parametrize(
    ("mode", "only"),
    [
        (CancelMode.MIXED, "TRM-03"),
        *(pytest.param(mode, "TRM-03,ALL-05,CXL", marks=pytest.mark.slow) for mode in CancelMode),
    ],
)
def test_an_honest_target_passes(target: Target, tmp_path: Path, mode: CancelMode, only: str) -> None:
    """What is asked for is exercised without a control surface, nobody is accused, and nothing is left open."""
    with target(mode) as file:
        outcome = perform(Options(target=file, level="smoke", only=only, out=tmp_path / "out", quiet=True))
    assert list(outcome.record.findings) == []
    judged = {judgement.requirement.id: judgement for judgement in outcome.judgements}
    for name in judged:
        if name in only or (name.startswith("CXL") and "CXL" in only):
            assert judged[name].verdict is Verdict.PASS, name
    assert judged["TRM-03"].exercised > 3


@pytest.mark.parametrize(
    "fault",
    [name for name, fault in FAULTS.items() if fault.requirement == "TRM-03"] + ["bulk-cancels-executing"],
)
def test_a_fault_is_caught(target: Target, tmp_path: Path, fault: str) -> None:
    """The requirement that a fault of executing market orders is mapped to fails."""
    requirement = FAULTS[fault].requirement
    with target(FAULTS[fault].modes[0], fault=fault) as file:
        outcome = perform(Options(target=file, level="smoke", only=requirement, out=tmp_path / "out", quiet=True))
    (judged,) = (judgement for judgement in outcome.judgements if judgement.requirement.id == requirement)
    assert judged.verdict is Verdict.FAIL


RACES: dict[str, tuple[Action, ...]] = {
    "cancels of one that waits": (
        HOLD, order("m", None), LOOK, Parallel(calls=(Cancel(order="m"), Cancel(order="m"), CancelAll())), LOOK,
    ),
    "placed among other calls": (
        order("a", "990"), Parallel(calls=(order("m", None), order("n", None), Cancel(order="a"), CancelAll())), LOOK,
    ),
    "placed while what faces it is cancelled": (
        order("s", "1010", Side.SELL, "counterparty"), Parallel(calls=(order("m", None), Cancel(order="s"))), LOOK,
    ),
    "a fill beside one that waits": (
        order("a", "990"), HOLD, order("m", None), LOOK,
        Parallel(calls=(Fill(order="a", quantity=Decimal(1)), Cancel(order="a"))), LOOK,
    ),
}  # fmt: skip


@pytest.mark.parametrize("mode", CancelMode)
def test_calls_at_once_are_explained(target: Target, mode: CancelMode) -> None:
    """Races around market orders that wait accuse nobody, and all of them are judged."""
    with target(mode) as file, Venue(load_profile(file)) as venue:
        memory = LaneMemory()
        for title, actions in RACES.items():
            for _ in range(4):
                result = run_plan(Plan(title=title, actions=actions), venue, memory)
                assert (title, result.violations, result.trouble) == (title, [], None)


def test_a_sweep_reports_what_it_cannot_end(target: Target) -> None:
    """A killed run's market order is ended by no cancel; the sweep says what would end it, and places nothing."""
    with target() as file:
        profile = load_profile(file)
        waiting = Terms(
            account="primary", market="BTC-USDT", side=Side.BUY, type=OrderType.MARKET, quantity=Decimal("0.5")
        )
        with Venue(profile) as venue:
            assert venue.place(waiting).order_id is not None
            hasty = profile.model_copy(
                update={"timing": profile.timing.model_copy(update={"pending_cancel_deadline": 0.1})}
            )
            report = sweep(hasty)
            ((_, reason),) = report.failed
            assert "PENDING until an opposite order for 0.5 comes in BTC-USDT" in reason
            counter = Terms(
                account="counterparty", market="BTC-USDT", side=Side.SELL, quantity=Decimal("0.5"), price=Decimal(1000)
            )
            venue.place(counter)
            assert len(sweep(hasty).over) == 2
