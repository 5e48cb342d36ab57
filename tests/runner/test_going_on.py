"""A plan goes on behind what is only a SHOULD, and behind a wrong answer: what stands behind it is found as well."""

from collections.abc import Callable

from conformance.plans import COUNTERPARTY, Cancel, CancelUnknown
from conformance.requirements import Level, catalogue
from conformance.trace import PlanResult
from tests.runner.actions import LOOK, buy, cancelled
from tests.runner.stage import Stage

Open = Callable[..., Stage]
REFUSED = {"error": {"code": 400, "message": "closed"}}
NOT_FOUND = {"error": {"code": 404, "message": "unknown"}}


def broken(result: PlanResult) -> list[str]:
    """The requirement that each violation is named for, but for the words of the contract."""
    return [v.requirements[0] for v in result.violations if v.requirements[0] not in ("ERR-02", "ERR-04")]


def test_behind_a_foreign_cancel_that_is_refused_in_other_words(stage: Open) -> None:
    """A foreign cancel answered 400 and carried out: first the SHOULD of the words, then the MUST of the deed."""
    opened = stage(faults=("foreign-cancelled-despite-404",)).says("cancel", 400, REFUSED, when=lambda n: n == 2)
    unknown = CancelUnknown(order_id="01890a5d-ac96-774b-bcce-b302099a8057", account=COUNTERPARTY)
    result = opened.run(buy(), LOOK, unknown, Cancel(order="a", account=COUNTERPARTY), LOOK)
    assert broken(result) == ["NTF-03", "NTF-02"]
    assert [catalogue()[name].level for name in broken(result)] == [Level.SHOULD, Level.MUST]
    assert [violation.ends for violation in result.violations if violation.requirements[0] == "NTF-03"] == [False]


def test_behind_a_cancel_that_is_answered_wrongly(stage: Open) -> None:
    """An own cancel answered 404 breaks CXL-01; the lock that another cancel of the plan left is found all the same."""
    opened = stage(faults=("lock-never-released",)).answers("cancel", 404, NOT_FOUND, when=lambda n: n == 1)
    result = opened.run(buy(), buy("b", price="980"), LOOK, Cancel(order="a"), *cancelled("b"))
    assert broken(result) == ["CXL-01", "FND-01"]


def test_a_wrong_answer_leaves_open_what_was_done(stage: Open) -> None:
    """Whether a cancel answered 404 was carried out or not: neither is a second finding."""
    for opened in (
        stage().answers("cancel", 404, NOT_FOUND, when=lambda n: n == 1),
        stage().says("cancel", 404, NOT_FOUND, when=lambda n: n == 1),
    ):
        result = opened.run(buy(), LOOK, Cancel(order="a"), LOOK)
        assert broken(result) == ["CXL-01"]
        assert result.trouble is None


def test_an_error_of_the_server_does_not_end_the_plan(stage: Open) -> None:
    """After a cancel answered 500 the next one is judged as ever: a second finding needs a second fault."""
    failed = {"error": {"code": 500, "message": "oh"}}
    opened = stage(faults=("cancelled-cancel-accepted",)).says("cancel", 500, failed, when=lambda n: n == 1)
    result = opened.run(buy(), LOOK, Cancel(order="a"), LOOK, Cancel(order="a"), LOOK)
    assert "ERR-01" in broken(result)
    assert "TRM-02" in broken(result)
