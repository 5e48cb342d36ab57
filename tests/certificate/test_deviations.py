"""Known deviations: how their file is read, what they excuse, and when they themselves turn the gate red."""

from collections import Counter
from datetime import date
from pathlib import Path

import pytest

from conformance.application.deviations import WORD, Deviation, DeviationReport, State, apply, load_deviations, parse
from conformance.errors import UserError
from conformance.exit_status import ExitStatus
from conformance.plans import Plan
from conformance.requirements import catalogue
from conformance.trace import PlanResult, Violation
from conformance.verdicts import Finding, Judgement, RunRecord, judgements

TODAY = date(2026, 6, 1)
LATER = date(2026, 12, 31)


def finding(requirement: str, kind: str, *, failed: int = 1) -> Finding:
    """A finding of one kind; with ``failed=0`` it did not show when it was repeated."""
    violation = Violation(
        requirements=(requirement,), kind=kind, step=1, what="a cancel", predicted="refused", seen="200", because=()
    )
    return Finding(violation=violation, result=PlanResult(plan=Plan(title="one", actions=())), failed=failed)


def judged(*findings: Finding, without: str = "") -> tuple[Judgement, ...]:
    """The judgements of a run that exercised everything but ``without`` and made these findings."""
    record = RunRecord(exercised=Counter(name for name in catalogue() if name != without))
    record.findings.update({each.key: each for each in findings})
    return judgements(record, missing={without: "the profile lacks it"} if without else {})


def deviation(requirement: str, *, expires: date = LATER, kind: str | None = None) -> Deviation:
    """A known deviation."""
    return Deviation(requirement=requirement, reason="known", expires=expires, kind=kind, where="known.toml: 1")


def of(found: tuple[Judgement, ...], requirement: str) -> Judgement:
    """The judgement of one requirement."""
    return next(each for each in found if each.requirement.id == requirement)


def test_a_known_failure_does_not_fail_the_gate() -> None:
    """A failing MUST with a live deviation is shown as DEVIATION and leaves the run at 0."""
    found = judged(finding("SIG-04", "an altered signature is accepted"))
    report = apply(found, [deviation("SIG-04")], TODAY)
    assert report.word(of(found, "SIG-04")) == WORD
    assert report.word(of(found, "SIG-05")) == "PASS"
    assert (report.problems, report.exit_status(found)) == ((), ExitStatus.CONFORMANT)
    assert DeviationReport().exit_status(found) is ExitStatus.NONCONFORMANT


def test_an_intermittent_failure_is_excused_as_well() -> None:
    """A deviation covers what fails only sometimes; a strict run counts an excused SHOULD as little."""
    found = judged(finding("SIG-12", "lax base64 is accepted", failed=0))
    report = apply(found, [deviation("SIG-12")], TODAY)
    assert report.exit_status(found, strict=True) is ExitStatus.CONFORMANT
    assert DeviationReport().exit_status(found, strict=True) is ExitStatus.NONCONFORMANT


def test_another_failure_still_counts() -> None:
    """A deviation excuses its own requirement only."""
    found = judged(finding("SIG-04", "altered"), finding("CXL-01", "stays open"))
    report = apply(found, [deviation("SIG-04")], TODAY)
    assert report.exit_status(found) is ExitStatus.NONCONFORMANT
    assert report.problems == ()


def test_a_kind_narrows_a_deviation() -> None:
    """With a kind it covers violations of that kind; another kind of the same requirement fails the gate."""
    known, new = finding("CXL-01", "stays open"), finding("CXL-01", "error 500")
    narrow = deviation("CXL-01", kind="stays open")
    assert apply(judged(known), [narrow], TODAY).exit_status(judged(known)) is ExitStatus.CONFORMANT
    both = judged(known, new)
    report = apply(both, [narrow], TODAY)
    assert (report.excused, report.exit_status(both)) == (frozenset(), ExitStatus.NONCONFORMANT)
    together = apply(both, [narrow, deviation("CXL-01", kind="error 500")], TODAY)
    assert together.exit_status(both) is ExitStatus.CONFORMANT


def test_it_holds_to_the_end_of_its_last_day() -> None:
    """On the day of its expiry a deviation still holds; a day later the gate is red, and the sentence names the day."""
    found = judged(finding("SIG-04", "altered"))
    assert apply(found, [deviation("SIG-04", expires=TODAY)], TODAY).exit_status(found) is ExitStatus.CONFORMANT
    report = apply(found, [deviation("SIG-04", expires=date(2026, 5, 31))], TODAY)
    assert report.exit_status(found) is ExitStatus.NONCONFORMANT
    assert "known.toml: 1: the deviation for SIG-04 expired on 2026-05-31" in report.problems[0]
    assert report.word(of(found, "SIG-04")) == "FAIL"


def test_one_that_no_longer_fails_is_red() -> None:
    """Where the requirement holds again, or the kind is not seen any more, the deviation must go."""
    for found, known in (
        (judged(), deviation("SIG-04")),
        (judged(finding("SIG-04", "altered")), deviation("SIG-04", kind="truncated")),
    ):
        report = apply(found, [known], TODAY)
        assert report.outcomes[0].state is State.NO_LONGER_FAILS
        assert report.exit_status(found) is ExitStatus.NONCONFORMANT


def test_one_that_nothing_used_is_red() -> None:
    """A deviation for a requirement that was never exercised hides nothing and must go."""
    found = judged(without="SIG-04")
    report = apply(found, [deviation("SIG-04")], TODAY)
    assert report.outcomes[0].state is State.UNUSED
    assert "not exercised (the profile lacks it)" in report.problems[0]
    assert report.exit_status(found) is ExitStatus.NONCONFORMANT


def test_a_partial_run_leaves_the_others_alone() -> None:
    """With ``--only`` a deviation of a requirement that is not selected is neither used nor red."""
    found = judged(without="SIG-04")
    report = apply(found, [deviation("SIG-04")], TODAY, selected=["CXL-01"])
    assert report.outcomes[0].state is State.NOT_SELECTED
    assert report.exit_status(found, selected=["CXL-01"]) is ExitStatus.CONFORMANT


def test_doubt_stays_doubt() -> None:
    """Where the requirement could not be judged the deviation is undecided, and the run inconclusive, not red."""
    record = RunRecord(exercised=Counter(name for name in catalogue() if name != "SIG-04"), stopped="out of time")
    found = judgements(record, missing={})
    report = apply(found, [deviation("SIG-04")], TODAY)
    assert report.outcomes[0].state is State.UNDECIDED
    assert report.exit_status(found) is ExitStatus.INCONCLUSIVE


def test_json_shows_each_with_its_state() -> None:
    """Reports get requirement, reason, expiry, kind, state, count and sentence of every deviation."""
    found = judged(finding("SIG-04", "altered"))
    (shown,) = apply(found, [deviation("SIG-04")], TODAY).to_json()
    assert shown == {
        "requirement": "SIG-04",
        "reason": "known",
        "expires": "2026-12-31",
        "kind": None,
        "state": "accepted",
        "findings": 1,
        "sentence": "known.toml: 1: SIG-04 fails as known until 2026-12-31: known",
    }


def test_a_file_is_read(tmp_path: Path) -> None:
    """Every entry becomes a deviation that knows where it stands; an empty file holds none."""
    path = tmp_path / "deviations.toml"
    path.write_text(
        '[[deviation]]\nrequirement = "SIG-12"\nreason = "the gateway is lax"\nexpires = 2026-12-31\n'
        '[[deviation]]\nrequirement = "CXL-01"\nreason = "slow"\nexpires = 2026-07-01\nkind = "stays open"\n'
    )
    first, second = load_deviations(path)
    assert (first.requirement, first.expires, first.kind) == ("SIG-12", LATER, None)
    assert (second.kind, second.where) == ("stays open", f"{path}: deviation 2")
    path.write_text("")
    assert load_deviations(path) == ()


FULL = '[[deviation]]\nrequirement = "SIG-12"\nreason = "r"\nexpires = 2026-12-31\n'


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[[deviation]", "not valid TOML"),
        ('requirement = "SIG-12"', "requirement: unknown key; expected"),
        ("deviation = 3", "deviation: expected tables, found int"),
        (FULL + 'owner = "me"\n', "deviation 1: owner: unknown key"),
        (FULL.replace("SIG-12", "SIG-99"), "expected an id of the catalogue, found 'SIG-99'"),
        (FULL.replace("SIG-12", "INF-01"), "INF-01 is measured and never judged"),
        (FULL.replace('reason = "r"\n', ""), "deviation 1: reason: expected a text, found nothing"),
        (FULL.replace('"r"', '" "'), "reason: expected a text, found ' '"),
        (FULL.replace("2026-12-31", '"2026-12-31"'), "expires: expected a date without quotes"),
        (FULL.replace("2026-12-31", "2026-12-31T00:00:00Z"), "expires: expected a date"),
        (FULL.replace("expires = 2026-12-31\n", ""), "such as 2027-03-31; found nothing"),
        (FULL + FULL, r"deviation 2: SIG-12 is in the file already \(known.toml: deviation 1\)"),
    ],
)
def test_a_wrong_file_is_a_mistake_of_the_user(text: str, reason: str) -> None:
    """Messages name file, entry and key, what was expected and what was found."""
    with pytest.raises(UserError, match=reason):
        parse(text, where="known.toml")


def test_a_missing_file_is_a_mistake_of_the_user(tmp_path: Path) -> None:
    """A file that is not there, or is not text, is named."""
    with pytest.raises(UserError, match="cannot read the file of known deviations"):
        load_deviations(tmp_path / "none.toml")
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(UserError, match="not UTF-8"):
        load_deviations(tmp_path / "bytes.toml")
