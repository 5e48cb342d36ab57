"""Certificates that their own signer made up: the signature is right, the statement is not."""

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from reports.attestation.canonical import digest
from reports.attestation.refusal import Refused
from reports.attestation.verifying import Verified

if TYPE_CHECKING:
    from tests.certificate.conftest import Bundle


def other_verdict(data: dict[str, Any]) -> None:
    """Turn the first verdict of ``verdicts.json`` around."""
    data["requirements"][0]["verdict"] = "FAIL"


def drop_first(data: dict[str, Any]) -> None:
    """Remove the first requirement from ``verdicts.json``."""
    del data["requirements"][0]


def set_verdict(verdict: str, exercised: int = 7) -> Callable[["Bundle", dict[str, Any]], None]:
    """Give CXL-01 another verdict, or none of its observations."""

    def change(bundle: "Bundle", statement: dict[str, Any]) -> None:
        bundle.result(statement, "CXL-01").update(verdict=verdict, exercised=exercised)

    return change


def remove_requirement(bundle: "Bundle", statement: dict[str, Any]) -> None:
    """Leave CXL-01 out."""
    bundle.record(statement)["requirements"].remove(bundle.result(statement, "CXL-01"))


def weaken(bundle: "Bundle", statement: dict[str, Any]) -> None:
    """Call a MUST that failed a SHOULD."""
    bundle.result(statement, "CXL-01").update(level="SHOULD", verdict="FAIL")


def configure(name: str, value: str) -> Callable[["Bundle", dict[str, Any]], None]:
    """Change a digest of the configuration."""

    def change(bundle: "Bundle", statement: dict[str, Any]) -> None:
        entry = next(each for each in statement["predicate"]["configuration"] if each["name"] == name)
        entry["digest"]["sha256"] = value

    return change


BY_THE_SIGNER: dict[str, tuple[Callable[["Bundle", dict[str, Any]], object], str]] = {
    "a requirement left out": (remove_requirement, "CXL-01 is missing: it is a MUST of the claimed class Core"),
    "a MUST that failed": (set_verdict("FAIL"), "CXL-01 is a MUST, and its verdict is FAIL"),
    "a MUST that failed at times": (set_verdict("INTERMITTENT"), "its verdict is INTERMITTENT"),
    "a MUST never exercised": (set_verdict("NOT EXERCISED", 0), "NOT EXERCISED: expected PASS"),
    "a MUST in doubt": (set_verdict("INCONCLUSIVE", 0), "INCONCLUSIVE: expected PASS"),
    "a pass without an observation": (set_verdict("PASS", 0), "passed without having been exercised"),
    "a verdict that there is not": (set_verdict("FINE"), "verdict: Input should be"),
    "a MUST called SHOULD": (weaken, "CXL-01: its level or class is not the catalogue's"),
    "a requirement twice": (
        lambda b, s: b.record(s)["requirements"].append(b.result(s, "CXL-01")),
        "expected each id once",
    ),
    "a class claimed and not claimed": (
        lambda b, s: b.record(s)["notClaimed"].update(Core="not claimed"),
        "expected each class once",
    ),
    "another level": (lambda b, s: b.record(s).update(level="smoke"), "level: Input should be 'certify'"),
    "another statement": (lambda b, s: s.update(_type="https://in-toto.io/Statement/v0.1"), "_type: expected"),
    "another predicate": (lambda b, s: s.update(predicateType="https://slsa.dev/provenance/v1"), "predicateType"),
    "no subject": (lambda b, s: s.update(subject=[]), "subject: Tuple should have at least 1"),
    "no version": (lambda b, s: s["subject"][0].update(annotations={}), "expected the target's version"),
    "another target": (lambda b, s: s["subject"][0].update(name="a better exchange"), "disagree on subject.name"),
    "another base URL": (
        lambda b, s: s["subject"][0]["digest"].update(sha256="0" * 64),
        "disagree on subject.digest",
    ),
    "another profile": (configure("profile.json", "0" * 64), "the digest of profile.json"),
    "another seed": (lambda b, s: b.record(s).update(seed=8), "the digest of settings"),
    "another seed with its digest": (
        lambda b, s: (b.record(s).update(seed=8), configure("settings", digest({"level": "certify", "seed": 8}))(b, s)),
        "verdicts.json disagree on run.seed",
    ),
    "another catalogue": (configure("requirement catalogue", "0" * 64), "the catalogue of the run is not that of"),
    "a configuration left out": (
        lambda b, s: s["predicate"]["configuration"].pop(1),
        "expected 'requirement catalogue' once, found it 0 times",
    ),
    "a passed test too many": (
        lambda b, s: s["predicate"]["passedTests"].append("CXL-99"),
        "disagree on predicate.passedTests",
    ),
    "another result": (lambda b, s: s["predicate"].update(result="WARNED"), "disagree on predicate.result"),
    "other counts than the verdicts": (set_verdict("PASS", 700), "verdicts.json disagree on CXL-01.exercised"),
    "a relaxation that the profile has not": (
        lambda b, s: b.record(s)["relaxations"].append({"key": "x", "value": "y", "meaning": "z"}),
        "relaxations: expected exactly those of profile.json",
    ),
    "a field of our own that we do not know": (
        lambda b, s: b.record(s).update(approvedBy="someone"),
        "approvedBy: Extra inputs are not permitted",
    ),
    "no files covered": (lambda b, s: b.record(s).update(files={}), "expected verdicts.json among the files"),
    "times in the wrong order": (
        lambda b, s: b.record(s).update(started="2026-05-01T00:00:00Z"),
        "is before started",
    ),
    "a time without an offset": (lambda b, s: b.record(s).update(issued="2026-03-01T12:00:00"), "issued: Input should"),
}


@pytest.mark.parametrize("what", BY_THE_SIGNER)
def test_what_the_signer_makes_up_is_refused(what: str, bundle: "Bundle", check: Callable[..., Verified]) -> None:
    """A correct signature does not make a statement complete, consistent or fit for its purpose."""
    alter, reason = BY_THE_SIGNER[what]
    with pytest.raises(Refused, match=reason):
        check(bundle.signed_again(lambda statement: alter(bundle, statement)))


SIGNED_FILES: dict[str, tuple[str, Callable[[Any], object], str]] = {
    "verdicts that lack one": ("verdicts.json", drop_first, "verdicts.json: CXL-01 is missing"),
    "verdicts that differ": ("verdicts.json", other_verdict, "disagree on CXL-01.verdict: PASS stated, FAIL expected"),
    "evidence that is not there": (
        "verdicts.json",
        lambda data: data["requirements"][0]["evidence"].append("evidence/CXL-01-1.json"),
        "evidence/CXL-01-1.json is missing from the bundle",
    ),
    "a deviation": (
        "verdicts.json",
        lambda data: data["run"]["deviations"].append({"requirement": "CXL-01"}),
        "disagree on run.deviations",
    ),
    "a run that was stopped": ("verdicts.json", lambda data: data.update(stopped="interrupted"), "the run ended early"),
    "a suite that erred": ("verdicts.json", lambda data: data["errors"].append("KeyError"), "the suite itself erred"),
    "verdicts of another form": ("verdicts.json", lambda data: data.pop("run"), "expected requirements and run"),
    "another profile than the run's": (
        "verdicts.json",
        lambda data: data["run"]["profile"].update(max_open_orders=99),
        "disagree on run.profile",
    ),
    "a profile of another target": (
        "profile.json",
        lambda data: data["target"].update(base_url="http://127.0.0.1:9"),
        "disagree on subject.digest",
    ),
    "a profile that is none": ("profile.json", lambda data: data.clear(), "profile.json: expected a target profile"),
}


@pytest.mark.parametrize("what", SIGNED_FILES)
def test_files_that_contradict_the_statement_are_refused(
    what: str, bundle: "Bundle", check: Callable[..., Verified]
) -> None:
    """A file whose digest is right must also say what the statement says."""
    name, change, reason = SIGNED_FILES[what]
    files = {name: bundle.rewritten(name, change)[name]}
    with pytest.raises(Refused, match=reason):
        check(bundle.signed_again(lambda statement: None, files=files))


def test_a_hidden_relaxation_is_refused(bundle: "Bundle", check: Callable[..., Verified]) -> None:
    """A relaxation that the profile grants must be named in the statement."""
    relax: Callable[[Any], object] = lambda data: data["relaxations"].update(lax_base64=True)
    profile = bundle.rewritten("profile.json", relax)["profile.json"]
    verdicts = bundle.rewritten("verdicts.json", lambda data: relax(data["run"]["profile"]))["verdicts.json"]
    fitting = configure("profile.json", digest(json.loads(profile)))
    with pytest.raises(Refused, match=r"does not name relaxations\.lax_base64"):
        check(
            bundle.signed_again(
                lambda statement: fitting(bundle, statement), files={"profile.json": profile, "verdicts.json": verdicts}
            )
        )
