"""What a certificate may claim, and what keeps a run from earning one."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from conformance.errors import UserError
from conformance.exit_status import ExitStatus
from conformance.requirements import Capability, RequirementClass
from conformance.verdicts import Judgement, Verdict
from fixtures.profiles import Profile
from reports.attestation.claims import claim, forbid, status_of
from reports.attestation.issuing import FinishedRun
from reports.attestation.relaxations import relaxations_of

EVERYTHING = frozenset(Capability)
Finish = Callable[..., FinishedRun]


def judged(
    found: tuple[Judgement, ...], name: str, verdict: Verdict, *, exercised: int = 0, reason: str = ""
) -> tuple[Judgement, ...]:
    """The judgements with another one for a requirement."""
    return tuple(
        replace(each, verdict=verdict, exercised=exercised, reason=reason) if each.requirement.id == name else each
        for each in found
    )


def test_all_offered_classes_are_claimed_by_default() -> None:
    """A target that offers everything claims everything, and a class it lacks something for is left out and named."""
    assert claim(EVERYTHING).claimed == tuple(RequirementClass)
    less = claim(EVERYTHING - {Capability.BALANCES})
    assert RequirementClass.FUNDS not in less.claimed
    assert "FND-01 (Funds) needs balances" in less.not_claimed[RequirementClass.FUNDS]


def test_core_is_never_left_out_silently() -> None:
    """A target that cannot show all of Core is told what it lacks, rather than certified without it."""
    with pytest.raises(UserError, match=r"TRM-03 \(Core\) needs hold-market[\s\S]*--classes "):
        claim(EVERYTHING - {Capability.HOLD_MARKET})


def test_named_classes_are_claimed_alone() -> None:
    """Names may be in any case and order; classes that are not named are not claimed."""
    found = claim(EVERYTHING, ["bulk", " Core"])
    assert found.claimed == (RequirementClass.CORE, RequirementClass.BULK)
    assert set(found.ids()) >= {"CXL-01", "ALL-01"}
    assert "FND-01" not in found.ids()


@pytest.mark.parametrize(
    ("names", "reason"),
    [
        (["Croe"], "expected some of Core, Bulk"),
        ([""], "at least one"),
        (["Funds"], r"FND-01 \(Funds\) needs balances"),
    ],
)
def test_wrong_classes_are_a_mistake_of_the_user(names: list[str], reason: str) -> None:
    """Unknown, empty and impossible classes are said before anything is sent."""
    with pytest.raises(UserError, match=reason):
        claim(EVERYTHING - {Capability.BALANCES}, names)


def test_a_flawless_run_earns_its_certificate(finished: Finish, flawless: tuple[Judgement, ...]) -> None:
    """With every MUST exercised and held there is nothing to say against it."""
    assert finished(flawless).shortfalls(claim(EVERYTHING)) == ()


@pytest.mark.parametrize(
    ("name", "verdict", "status"),
    [
        ("CXL-01", Verdict.FAIL, ExitStatus.NONCONFORMANT),
        ("RCE-01", Verdict.INTERMITTENT, ExitStatus.NONCONFORMANT),
        ("SIG-01", Verdict.INCONCLUSIVE, ExitStatus.INCONCLUSIVE),
        ("PND-01", Verdict.NOT_EXERCISED, ExitStatus.INCONCLUSIVE),
        ("FND-01", Verdict.PASS, ExitStatus.INCONCLUSIVE),
    ],
)
def test_each_must_of_the_claim_must_pass(
    name: str, verdict: Verdict, status: ExitStatus, finished: Finish, flawless: tuple[Judgement, ...]
) -> None:
    """What failed ends in 1; what was not judged, or passed without an observation, in 3; both name the requirement."""
    run = finished(judged(flawless, name, verdict, reason="the target never showed it"))
    found = run.shortfalls(claim(EVERYTHING))
    assert [each.sentence.split()[0] for each in found] == [name]
    assert "the target never showed it" in found[0].sentence or verdict in (Verdict.FAIL, Verdict.INTERMITTENT)
    assert status_of(found) is status


def test_a_should_keeps_no_certificate_back(finished: Finish, flawless: tuple[Judgement, ...]) -> None:
    """A SHOULD that failed becomes a warning of the certificate, not a reason against it."""
    assert finished(judged(flawless, "SIG-12", Verdict.FAIL)).shortfalls(claim(EVERYTHING)) == ()


def test_an_unclaimed_class_may_be_unjudged_but_not_failed(finished: Finish, flawless: tuple[Judgement, ...]) -> None:
    """What nobody claims need not be shown; a MUST that was seen to fail counts all the same."""
    core = claim(EVERYTHING, ["Core"])
    assert finished(judged(flawless, "FND-01", Verdict.NOT_EXERCISED)).shortfalls(core) == ()
    (found,) = finished(judged(flawless, "FND-01", Verdict.FAIL)).shortfalls(core)
    assert "never stands beside a failed MUST" in found.sentence


@pytest.mark.parametrize(
    ("settings", "ended", "reason", "status"),
    [
        ({"level": "standard"}, {}, "the run was of level standard", ExitStatus.NONCONFORMANT),
        ({"deviations": ("one",)}, {}, "1 known deviations were applied", ExitStatus.NONCONFORMANT),
        ({}, {"stopped": "interrupted"}, "the run ended early: interrupted", ExitStatus.INCONCLUSIVE),
        ({}, {"errors": ["KeyError"]}, "the suite itself erred: KeyError", ExitStatus.INCONCLUSIVE),
    ],
)
def test_a_lesser_run_earns_none(
    settings: Mapping[str, Any],
    ended: Mapping[str, Any],
    reason: str,
    status: ExitStatus,
    finished: Finish,
    flawless: tuple[Judgement, ...],
) -> None:
    """Another level, known deviations, an early end and an error of the suite each keep the certificate back."""
    run = finished(flawless)
    run = replace(run, info=replace(run.info, **settings), **ended)
    found = run.shortfalls(claim(EVERYTHING))
    assert reason in found[0].sentence
    assert status_of(found) is status


def changed(profile: Profile, table: str, **values: object) -> dict[str, Any]:
    """The profile's data with some values of a table replaced."""
    data: dict[str, Any] = profile.without_secrets()
    data[table] = {**data[table], **values} if isinstance(data.get(table), dict) else values
    return data


def test_a_strict_profile_relaxes_nothing(profile: Profile) -> None:
    """The embedded exchange's profile needs no mention in a certificate."""
    assert relaxations_of(profile.without_secrets()) == ()


@pytest.mark.parametrize(
    ("table", "values", "key", "requirements"),
    [
        ("relaxations", {"lax_base64": True}, "relaxations.lax_base64", ("SIG-12",)),
        ("relaxations", {"order_id_form": "opaque"}, "relaxations.order_id_form", ("NTF-05",)),
        ("timing", {"balance_delay": 0.5}, "timing.balance_delay", ("FND-01",)),
        ("timing", {"pending_cancel_deadline": 60.0}, "timing.pending_cancel_deadline", ("PND-01",)),
        ("lock", {"model": "observed"}, "lock.model", ("FND-02",)),
        ("fees", {"charged": "unknown"}, "fees.charged", ("FND-05",)),
        ("markets", {"X-Y": {"isolated": False}}, "markets.X-Y.isolated", ()),
    ],
)
def test_what_a_profile_relaxes_is_named(
    table: str, values: dict[str, object], key: str, requirements: tuple[str, ...], profile: Profile
) -> None:
    """Every key that makes judging milder is named with what it touches, and allowed."""
    (found,) = relaxations_of(changed(profile, table, **values))
    assert (found.key, found.requirements, found.forbidden) == (key, requirements, False)
    forbid([found])


@pytest.mark.parametrize(
    ("table", "values", "requirement"),
    [
        ("answers", {"malformed": {"status": [400, 200]}}, "NTF-04"),
        ("answers", {"cannot_cancel": {"status": [500]}}, "ERR-01"),
        ("relaxations", {"anything_goes": True}, "does not know"),
    ],
)
def test_a_relaxed_must_is_refused_before_the_run(
    table: str, values: dict[str, object], requirement: str, profile: Profile
) -> None:
    """A profile that goes below the sentence of a MUST, or that says something unknown, gets no certificate."""
    with pytest.raises(UserError, match=requirement):
        forbid(relaxations_of(changed(profile, table, **values)))


def test_too_few_open_orders_relax_a_must(profile: Profile) -> None:
    """Cancel-all must be tried with fifty orders at least."""
    with pytest.raises(UserError, match="ALL-06"):
        forbid(relaxations_of({**profile.without_secrets(), "max_open_orders": 49}))


def test_every_relaxation_that_a_profile_can_have_is_known(profile: Profile) -> None:
    """A key that is added to the profile's relaxations must be given a meaning for certificates."""
    for name, value in profile.relaxations.model_dump().items():
        other = "opaque" if isinstance(value, str) else not value
        assert not relaxations_of(changed(profile, "relaxations", **{name: other}))[0].forbidden
