"""Honest exchanges that lack something, judged by parts of the suite at its smallest budget."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from conformance.engine.levels import LEVELS, LevelName
from conformance.engine.session import missing_reasons, open_session
from conformance.requirements import select
from conformance.suite.listing import chosen, conformance_tests, run_suite
from conformance.verdicts import Judgement, Verdict, judgements
from fixtures.embedded import embedded_target
from fixtures.exchange import CancelMode, ExchangeSettings

ACCUSED = (Verdict.FAIL, Verdict.INTERMITTENT)


@dataclass(frozen=True, kw_only=True, slots=True)
class Judged:
    """What a run says of the requirements that it was asked for, and why plans could not be judged to their end."""

    found: tuple[Judgement, ...]
    troubles: Counter[str]

    def of(self, *verdicts: Verdict) -> dict[str, str]:
        """The requirements of these verdicts, with the reason of each."""
        return {one.requirement.id: one.reason for one in self.found if one.verdict in verdicts}

    @property
    def accused(self) -> set[str]:
        """The requirements that the target is said to break."""
        return set(self.of(*ACCUSED))


@pytest.fixture
def judge() -> Callable[..., Judged]:
    """Judge an exchange of some variants and faults: ``judge(("no-ioc",), only="CXL,TRM", faults=("...",))``."""

    def judged(variants: tuple[str, ...], *, only: str, faults: tuple[str, ...] = ()) -> Judged:
        settings = ExchangeSettings(
            cancel_mode=CancelMode.MIXED, delay_ms=(5, 40), seed=1, variants=variants, faults=faults
        )
        ids = tuple(requirement.id for requirement in select(only.split(",")))
        with (
            embedded_target(settings) as (profile, _),
            open_session(profile, level=LEVELS[LevelName.SMOKE], seed=1) as explorer,
        ):
            run_suite(explorer, chosen(conformance_tests(), ids))
            found = judgements(explorer.record, missing=missing_reasons(profile), selected=ids)
        asked = tuple(one for one in found if one.requirement.id in ids or one.verdict in ACCUSED)
        return Judged(found=asked, troubles=explorer.record.troubles)

    return judged
