"""Stored histories are judged again as they were: what moves in runner and judging changes no verdict."""

import tomllib
from dataclasses import replace
from pathlib import Path
from statistics import mean, median

import pytest

from conformance.requirements import catalogue
from fixtures.faults import FAULTS, entailed, entailed_by_fault
from fixtures.venue.transport import Received
from tests.judging.histories import CORPUS, MISSING, History, Verdict, read_histories
from tests.judging.replaying import NotStoredError, replay

FILES = sorted(CORPUS.glob("*.xz"))


def differences(history: History, verdicts: tuple[Verdict, ...]) -> list[str]:
    """Where verdicts differ from the stored ones, in words."""
    return [
        f"{history.name}, plan {number}: {name}: stored {getattr(stored, name)}, now {getattr(now, name)}"
        for number, (stored, now) in enumerate(zip(history.verdicts, verdicts, strict=True), start=1)
        for name in stored.__dataclass_fields__
        if getattr(stored, name) != getattr(now, name)
    ]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_stored_history_is_judged_as_before(path: Path) -> None:
    """Violations, what was exercised, troubles and the number of requests of every plan are those that were stored."""
    found: list[str] = []
    for history in read_histories(path):
        try:
            found += differences(history, replay(history))
        except NotStoredError as missing:
            found.append(str(missing))
    assert not found, "\n".join(found)


def test_every_seeded_fault_is_shown_by_a_history_or_has_a_reason_why_not() -> None:
    """No fault is left out in silence, and none that has a history is said to have none."""
    shown = {
        history.name.removeprefix("fault/")
        for path in FILES
        for history in read_histories(path)
        if history.name.startswith("fault/")
        and any(FAULTS[history.name[6:]].requirement in ids for v in history.verdicts for ids, *_ in v.violations)
    }
    without = set(tomllib.loads(MISSING.read_text()))
    assert (shown | without, shown & without) == (set(FAULTS), set())


def test_a_seeded_fault_breaks_its_requirement_and_what_its_line_entails() -> None:
    """No stored finding is booked on another requirement; half of the faults break one, and all together 2 each."""
    broken = {
        history.name.removeprefix("fault/"): {one for v in history.verdicts for ids, *_ in v.violations for one in ids}
        for path in FILES
        for history in read_histories(path)
        if history.name.startswith("fault/")
    }
    named = {name: {FAULTS[name].requirement, *entailed(name)} for name in broken}
    assert {name: ids - named[name] for name, ids in broken.items() if ids - named[name]} == {}
    counts = [len(ids) for ids in broken.values()]
    assert (median(counts), mean(counts) <= 2) == (1, True)


def test_what_a_fault_entails_are_other_requirements_of_the_catalogue() -> None:
    """Every row is of a seeded fault, and names requirements that exist, its own not among them."""
    for name, ids in entailed_by_fault().items():
        assert ids <= catalogue().keys() - {FAULTS[name].requirement}, name


def first_of(name: str) -> History:
    """The first history of a file."""
    return next(read_histories(CORPUS / f"{name}.xz"))


def test_a_replay_does_not_depend_on_the_digits_of_its_new_signatures(monkeypatch: pytest.MonkeyPatch) -> None:
    """A signature without a plus sign, as one in two hundred is, gives the stored verdicts too."""
    monkeypatch.setattr("fixtures.attacks.schemes.documented_signature", lambda key, payload: bytes(256))
    monkeypatch.setattr("fixtures.attacks.forge.documented_signature", lambda key, payload: bytes(256))
    history = next(h for h in read_histories(CORPUS / "clean-documented-immediate.xz") if h.name.endswith("/6"))
    assert not differences(history, replay(history))


def test_a_request_that_is_not_stored_is_named() -> None:
    """A replay that asks for more than was stored fails with the request's account, operation and target."""

    history = first_of("clean-documented-immediate")
    without = replace(history, sent=tuple(sent for sent in history.sent if " cancel " not in sent.asked))
    with pytest.raises(NotStoredError, match="primary cancel POST /api/v1/orders/"):
        replay(without)


def test_another_answer_gives_another_verdict() -> None:
    """A history in which one cancel was answered with an error of the server is not judged as before."""

    history = first_of("clean-documented-immediate")
    wrong = Received(status=500, headers=(), body=b"{}")
    first = next(at for at, one in enumerate(history.sent) if " cancel " in one.asked)
    sent = (*history.sent[:first], replace(history.sent[first], outcome=wrong), *history.sent[first + 1 :])
    plan = replace(history, plans=history.plans[:1], verdicts=history.verdicts[:1], sent=sent)
    assert any("ERR-01" in difference for difference in differences(plan, replay(plan)))
