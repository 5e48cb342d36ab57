"""Which requirement a misfit breaks: every rule, by aspect, on a scripted read that nothing explains."""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

import pytest

from conformance.model.order import Status
from conformance.model.worlds import Belief
from conformance.plans import Plan
from conformance.requirements import catalogue
from conformance.runner import attribution
from conformance.runner.attribution import Aspect, Cause, Rule, broken, named, reasons
from conformance.runner.funds import FundsJudge
from conformance.runner.tracker import Tracked, Tracker
from conformance.trace import PlanResult, Step, Violation
from fixtures.venue.answers import BalanceView, OrderView
from tests.model.orders import NOW, RULES, known, state

FOUND = {name: rule for name, rule in vars(attribution).items() if isinstance(rule, Rule)}

FIRST = {
    # the requirement that a rule stands for, by hand: the first that a wrong status (or else wrong funds) breaks
    "CANCELLED_OPEN": "CXL-01",
    "CANCELLED_PARTIAL": "CXL-02",
    "CANCELLED_UNPINNED": "CXL-06",
    "SEEN_CANCELED": "CXL-03",
    "SEEN_TERMINAL": "CXL-08",
    "CROSSED_AFTER_CANCEL": "CXL-04",
    "QUEUE": "CXL-05",
    "SIBLING": "CXL-05",
    "OTHER_ACCOUNT": "CXL-05",
    "BULK": "ALL-01",
    "BULK_PARTIAL": "ALL-01",
    "BULK_MANY": "ALL-06",
    "BULK_OTHER": "ALL-02",
    "BULK_UNTOUCHED": "ALL-05",
    "BULK_NOTHING": "ALL-04",
    "BULK_NOTHING_FUNDS": "FND-04",
    "REFUSED": "TRM-05",
    "REFUSED_ELSEWHERE": "TRM-05",
    "CROSSED_AFTER_REFUSAL": "TRM-05",
    "CROSSED_AFTER_FOREIGN": "NTF-02",
    "FOREIGN": "NTF-02",
    "UNKNOWN_ID": "TRM-05",
    "SEEN_PENDING": "PND-03",
    "CONFIRMED": "PND-04",
    "FILLED_WHILE_PENDING": "PND-02",
    "BULK_WHILE_PENDING": "PND-03",
    "SECOND_WHILE_PENDING": "PND-05",
    "PLACED_AFTER_BULK": "RCE-03",
}
SILENT = {"PLACED", "FILLED"}
"""Rules that say where a doubt comes from; no requirement of cancelling follows from them."""


def tracker(belief: Belief, *rules: Rule) -> Tracker:
    """A tracker that knows order ``a`` and what happened to it."""
    result = PlanResult(plan=Plan(actions=()))
    found = Tracker(rules=RULES, result=result)
    found.begin(Step(index=1, action={}, at=0.0))
    found.belief = belief
    for one in belief.states("a"):
        found.orders["a"] = Tracked(name="a", terms=one.terms, order_id="1")
    for rule in rules:
        found.cause("a", rule)
        found.cause_funds("primary", rule, "a")
    return found


def misread(aspect: Aspect, rule: Rule) -> Violation:
    """The violation that a misfit in one aspect gives, with one rule at work."""
    match aspect:
        case Aspect.STATUS:
            judge = tracker(known(state(Status.CANCELED)), rule)
            judge.judge_view("a", view(Status.OPEN, "0"), until=NOW, listed=False)
        case Aspect.QUANTITY:
            judge = tracker(known(state(Status.CANCELED, "3")), rule)
            judge.judge_view("a", view(Status.CANCELED, "4"), until=NOW, listed=False)
        case Aspect.LISTED:
            judge = tracker(known(state(Status.OPEN)), rule)
            judge.judge_absence("a", until=NOW)
        case Aspect.LOCKED:
            judge = tracker(known(state(Status.CANCELED)), rule)
            misjudge(judge, funds("95", "5", "100"))
        case Aspect.TOTAL:
            judge = tracker(known(state(Status.CANCELED)), rule)
            misjudge(judge, funds("101", "0", "101"))
    (violation,) = judge.result.violations
    return violation


def misjudge(judge: Tracker, shown: Mapping[str, BalanceView]) -> None:
    """Judge balances that do not fit, and record why."""
    desk = FundsJudge(judge, {"primary": funds("100", "0", "100")})
    assert not desk.judge("primary", shown, until=NOW)
    desk.record("primary", shown, settled_after=None)


def view(status: Status, executed: str) -> OrderView:
    """A read of order a."""
    return OrderView(order_id="1", status=status, word=status.lower(), executed=Decimal(executed))


def funds(available: str, locked: str, total: str) -> dict[str, BalanceView]:
    """Balances in the quote asset."""
    return {"Q": BalanceView(available=Decimal(available), locked=Decimal(locked), total=Decimal(total))}


@pytest.mark.parametrize("aspect", Aspect)
@pytest.mark.parametrize("name", FOUND)
def test_a_misfit_breaks_what_the_rule_names(name: str, aspect: Aspect) -> None:
    """A misfit in an aspect that a rule speaks of breaks its requirements, in its order and before any other."""
    ids = FOUND[name].ids(aspect)
    if not ids:
        return
    violation = misread(aspect, FOUND[name])
    assert violation.requirements[: len(set(ids))] == tuple(dict.fromkeys(ids))
    assert violation.because == (f"step 1: {FOUND[name].why} (a)",)


@pytest.mark.parametrize("name", sorted(set(FOUND) - SILENT))
def test_every_rule_stands_for_a_requirement(name: str) -> None:
    """What is broken first is the requirement that the rule was written for, in this table as in the code."""
    rule = FOUND[name]
    first = next(ids[0] for aspect in Aspect if (ids := rule.ids(aspect)))
    assert first == FIRST.get(name, first)
    assert name in FIRST or name.startswith("RACED")


def test_rules_name_requirements_of_the_catalogue() -> None:
    """No rule names an id that the catalogue does not have."""
    ids = {
        i
        for rule in FOUND.values()
        for i in (*(x for aspect in Aspect for x in rule.ids(aspect)), *rule.suspects, *rule.lock_suspects)
    }
    assert ids <= set(catalogue())


def test_the_latest_cause_is_named_first() -> None:
    """Of two things that happened to an order, what happened last is the closest reason; each id comes once."""
    causes = [
        Cause(rule=attribution.CANCELLED_OPEN, step=2, order="a"),
        Cause(rule=attribution.REFUSED, step=5, order="a"),
    ]
    assert named(causes, Aspect.LOCKED) == ("FND-04", "TRM-05", "FND-01", "FND-02")
    assert reasons(reversed(causes)) == (
        "step 2: its cancel was accepted while it was OPEN (a)",
        "step 5: a cancel of it was refused (a)",
    )


def test_a_suspect_is_broken_by_a_misfit_and_not_exercised_by_a_fit() -> None:
    """A fill that may have been lost while pending is suspected by a wrong quantity, but a right one proves nothing."""
    causes = [Cause(rule=attribution.SEEN_PENDING, step=1, order="a")]
    assert "PND-02" in broken(causes, Aspect.QUANTITY)
    assert "PND-02" not in named(causes, Aspect.QUANTITY)


def test_a_read_that_fits_exercises_what_would_have_been_broken() -> None:
    """The requirements of every cause are counted once for the read that confirms them, and the causes are used up."""
    judge = tracker(known(state(Status.CANCELED)), attribution.CANCELLED_OPEN)
    assert judge.judge_view("a", view(Status.CANCELED, "0"), until=NOW, listed=False)
    assert judge.result.exercised == {"CXL-01": 1, "CXL-06": 1, "CXL-07": 1, "CXL-08": 1}
    assert judge.orders["a"].causes == []


def test_cxl_06_speaks_of_active_orders_alone() -> None:
    """An accepted cancel that ends in the wrong terminal word breaks CXL-01, but the answer did not lie (CXL-06)."""
    judge = tracker(known(state(Status.CANCELED)), attribution.CANCELLED_OPEN)
    judge.judge_view("a", view(Status.EXPIRED, "0"), until=NOW, listed=False)
    assert judge.result.violations[0].requirements == ("CXL-01",)


CONTRADICTIONS = [
    # a read that contradicts itself, whatever else happened: status, executed of 10
    (Status.FILLED, "9"),
    (Status.OPEN, "1"),
    (Status.PARTIALLY_FILLED, "0"),
    (Status.PARTIALLY_FILLED, "10"),
    (Status.CANCELED, "11"),
]


@pytest.mark.parametrize(("status", "executed"), CONTRADICTIONS)
def test_a_read_that_contradicts_itself_breaks_cxl_08(status: Status, executed: str) -> None:
    """The status word must agree with the executed quantity, and no order is executed for more than it is."""
    judge = tracker(known(state(Status.OPEN)), attribution.SIBLING)
    judge.judge_view("a", view(status, executed), until=NOW, listed=False)
    assert "CXL-08" in judge.result.violations[0].requirements


TERMS = {
    "market": {"market": "N"},
    "side": {"side": "sell"},
    "quantity": {"quantity": Decimal(11)},
    "price": {"price": Decimal("99.9")},
    "client id": {"client_id": "another"},
}


@pytest.mark.parametrize("term", TERMS)
def test_terms_must_not_change(term: str) -> None:
    """A read that shows another term than was agreed breaks CXL-08 and names the term."""
    one = state(Status.OPEN)
    judge = tracker(known(replace(one, terms=replace(one.terms, client_id="mine"))))
    judge.judge_view("a", replace(view(Status.OPEN, "0"), **TERMS[term]), until=NOW, listed=False)  # type: ignore[arg-type]  # fields of a view
    (violation,) = judge.result.violations
    assert violation.requirements[0] == "CXL-08"
    assert violation.kind == f"terms changed: {term}"


def test_a_wrong_fill_without_a_cancel_accuses_nobody() -> None:
    """A fill that does not come as price and time say is the market's business until a cancel was involved: trouble."""
    judge = tracker(known(state(Status.PARTIALLY_FILLED, "4")), attribution.FILLED)
    judge.judge_view("a", view(Status.OPEN, "0"), until=NOW, listed=False)
    assert judge.result.violations == []
    assert judge.result.trouble is not None
    assert "isolated" in judge.result.trouble


class TestFunds:
    """What wrong balances break, where no single cause says it."""

    def test_parts_that_do_not_add_up(self) -> None:
        """available + locked = total is asked of every read (FND-05)."""
        judge = tracker(known(state(Status.OPEN)))
        misjudge(judge, funds("90", "5", "100"))
        assert judge.result.violations[0].requirements[0] == "FND-05"
        assert judge.result.violations[0].kind == "available + locked is not the total"

    def test_a_lock_without_a_live_order(self) -> None:
        """Where no order of the account is left, anything that is locked breaks FND-06 as well."""
        judge = tracker(known(state(Status.CANCELED)), attribution.CANCELLED_OPEN)
        misjudge(judge, funds("99", "1", "100"))
        assert judge.result.violations[0].requirements == ("FND-01", "FND-02", "FND-06")
        assert judge.result.violations[0].kind == "available too low, locked too high"

    def test_a_total_that_moved_without_a_trade(self) -> None:
        """A total that nobody's trade explains breaks FND-05, whatever else it breaks."""
        judge = tracker(known(state(Status.CANCELED)), attribution.REFUSED)
        misjudge(judge, funds("101", "0", "101"))
        assert judge.result.violations[0].requirements == ("FND-04", "TRM-05", "FND-05")

    @pytest.mark.parametrize(
        ("rule", "late"),
        [(attribution.CANCELLED_OPEN, ("FND-01",)), (attribution.CONFIRMED, ("PND-04", "FND-01"))],
    )
    def test_funds_that_were_right_later_are_late_and_not_wrong(self, rule: Rule, late: tuple[str, ...]) -> None:
        """What a later read found right breaks FND-01 (PND-04 after a pending cancel), and not FND-02."""
        judge = tracker(known(state(Status.CANCELED)), rule)
        desk = FundsJudge(judge, {"primary": funds("100", "0", "100")})
        shown = funds("90", "10", "100")
        assert not desk.judge("primary", shown, until=NOW)
        desk.record("primary", shown, settled_after=0.05)
        (violation,) = judge.result.violations
        assert violation.requirements == late
        assert violation.kind == "funds were released late"
        assert "0.050 s later" in violation.seen

    def test_a_lock_that_is_still_possible_exercises_nothing_of_its_release(self) -> None:
        """As long as a pending cancel may hold its lock, a read of it says nothing about the release (PND-04)."""
        pending = Belief({0: ((state(Status.PENDING_CANCEL),), (state(Status.CANCELED),))}, {"a": 0})
        judge = tracker(pending, attribution.CANCELLED_OPEN)
        desk = FundsJudge(judge, {"primary": funds("2000", "0", "2000")})
        assert desk.judge("primary", funds("1000", "1000", "2000"), until=NOW)
        assert "FND-01" not in judge.result.exercised
        assert desk.judge("primary", funds("2000", "0", "2000"), until=NOW)
        assert judge.result.exercised["FND-01"] == 1
