"""What a venue lacks costs the capability, never the run: honest ones are left in peace, and faults still caught."""

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from conformance.engine.drawing import draw_plans
from conformance.engine.session import ground_of
from conformance.model.order import Side, TimeInForce
from conformance.plans import Cancel, Fill, Parallel, Place, Plan, Snapshot
from conformance.runner.execute import run_plan
from conformance.runner.lane_memory import LaneMemory
from conformance.verdicts import Verdict
from fixtures.embedded import embedded_target
from fixtures.exchange import CancelMode, ExchangeSettings, Imperfections
from fixtures.venue import Venue
from strategies.cells import cell_plans
from strategies.lifecycles import lifecycles

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.lacking.conftest import Judged

HONEST = [
    # (variant, requirements to judge, those that it cannot show)
    ("no-ioc", "CXL-04,CXL-06,TRM-01,RCE-02", set()),
    ("no-time-in-force", "CXL-04,CXL-05,TRM-04,FND-03,RCE-02", {"TRM-04"}),
    ("no-gtd", "CXL-03,TRM-04", {"TRM-04"}),
    ("no-market-orders", "TRM-03,CXL-04", {"TRM-03"}),
    ("no-post-only", "TRM-07,CXL-01", {"TRM-07"}),
    ("no-client-ids", "CXL-08,ALL-01", set()),
    ("no-list", "CXL-06,NTF-07", set()),
    ("no-read", "CXL-06,NTF-06", {"NTF-06"}),
    ("no-cancel-all", "ALL-01,RCE-03,CXL-06", {"ALL-01", "RCE-03"}),
    ("serial-ids", "NTF-01,NTF-04,NTF-05,NTF-06", {"NTF-05"}),
]


@pytest.mark.parametrize(("variant", "only", "unexercised"), HONEST, ids=[name for name, *_ in HONEST])
def test_an_honest_venue_that_lacks_something_is_judged_to_the_end(
    judge: "Callable[..., Judged]", variant: str, only: str, unexercised: set[str]
) -> None:
    """Nothing is accused or in doubt; what needs what is lacking is not exercised, and says why."""
    judged = judge((variant,), only=only)
    assert judged.accused == set()
    assert judged.of(Verdict.INCONCLUSIVE) == {}
    missing = judged.of(Verdict.NOT_EXERCISED)
    assert missing.keys() == unexercised
    assert all(reason.startswith(("the target does not offer:", "the profile relaxes")) for reason in missing.values())
    assert judged.troubles == {}


FAULTY = [
    # (variant, fault, the requirement that must catch it)
    ("no-ioc", "cancelled-still-matches", "CXL-04"),
    ("no-ioc", "raced-fill-lost", "RCE-02"),
    ("no-time-in-force", "lock-never-released", "FND-01"),
    ("no-time-in-force", "refused-cancel-releases", "TRM-05"),
    ("no-client-ids", "cancel-has-no-effect", "CXL-06"),
    ("no-list", "cancel-done-but-refused", "CXL-01"),
    ("serial-ids", "unknown-refused-as-invalid", "NTF-01"),
]


@pytest.mark.parametrize(("variant", "fault", "requirement"), FAULTY, ids=[f"{v}+{f}" for v, f, _ in FAULTY])
def test_a_fault_is_caught_at_a_venue_that_lacks_something(
    judge: "Callable[..., Judged]", variant: str, fault: str, requirement: str
) -> None:
    """The requirement that a fault breaks catches it there too."""
    assert requirement in judge((variant,), only=requirement, faults=(fault,)).accused


@pytest.mark.parametrize("bulk", [True, False], ids=["with cancel-all", "without"])
def test_lost_placings_without_client_ids_accuse_nobody(bulk: bool) -> None:
    """Such a plan is given up, and says so; the order that nobody can name is not in the way of the next plans."""
    settings = ExchangeSettings(
        cancel_mode=CancelMode.IMMEDIATE,
        seed=3,
        variants=("no-client-ids", *(() if bulk else ("no-cancel-all",))),
        imperfections=Imperfections(lost_answers=0.06),
    )
    with embedded_target(settings) as (profile, _), Venue(profile) as venue:
        ground, memory = ground_of(venue), LaneMemory()
        plans = [*cell_plans(ground)[::9], *draw_plans(lifecycles(ground), 6, seed_of="lacking/lost")]
        results = [run_plan(plan, venue, memory) for plan in plans]
    assert [found.kind for result in results for found in result.violations] == []
    troubles = [result.trouble for result in results if result.trouble is not None]
    assert any("no list of orders shows a client id" in trouble for trouble in troubles)
    assert not any("Insufficient funds" in trouble for trouble in troubles)


def test_a_stored_plan_leaves_out_what_the_venue_lacks() -> None:
    """Orders that cannot be asked for are passed over, with a note; the others are placed, filled and cancelled."""
    ioc = Place(
        order="i",
        market="BTC-USDT",
        side=Side.BUY,
        quantity=Decimal("0.01"),
        price=Decimal("990"),
        time_in_force=TimeInForce.IOC,
    )
    gtd, gtc = (
        replace(ioc, order="d", time_in_force=TimeInForce.GTD),
        replace(ioc, order="a", time_in_force=TimeInForce.GTC),
    )
    beyond = Fill(order="a", quantity=Decimal("0.03"))
    race = Parallel(calls=(replace(ioc, order="r"), replace(gtc, order="b"), Cancel(order="a")))
    plan = Plan(actions=(ioc, gtd, Cancel(order="d"), gtc, beyond, Snapshot(), race, Snapshot()))
    with embedded_target(ExchangeSettings(variants=("no-time-in-force",))) as (profile, _), Venue(profile) as venue:
        result = run_plan(plan, venue, LaneMemory())
        left = venue.orders("counterparty").views
    assert (result.violations, result.trouble) == ([], None)
    assert result.notes["left out of a plan: an ioc order, which the profile cannot say"] == 2
    assert result.notes["left out of a plan: a gtd order, which the profile cannot say"] == 1
    filler = [exchange for step in result.steps for exchange in step.exchanges if exchange.account == "counterparty"]
    assert "cancel" in {exchange.operation for exchange in filler}  # what the filling order has left over
    assert left == ()
