"""Drawing plans with Hypothesis: whole, distinct, the same for the same seed, and never while a target answers."""

import hashlib

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from hypothesis.internal.conjecture.providers import AVAILABLE_PROVIDERS, HypothesisProvider

from conformance.plans import Plan

BACKEND = "cancel-conformance"


class SeedOnlyProvider(HypothesisProvider):
    """Hypothesis' own generation without the constants that it picks out of whatever source files are imported.

    With them the same seed gives other plans in another command, or once the suite is installed.
    """

    def _maybe_draw_constant(self, *_: object, **__: object) -> None:
        return None


AVAILABLE_PROVIDERS[BACKEND] = f"{__name__}.{SeedOnlyProvider.__name__}"

DRAWING = settings(
    backend=BACKEND,
    database=None,
    derandomize=False,
    deadline=None,
    phases=(Phase.generate,),
    suppress_health_check=tuple(HealthCheck),
    report_multiple_bugs=False,
    print_blob=False,
)
"""Our own settings: with ``CI`` set, Hypothesis' default ones would derandomise and drop the seed silently."""


ROUNDS = 4
"""How often more is drawn where plans repeated; a strategy that has no more to give is not asked for ever."""


def draw_plans(strategy: st.SearchStrategy[Plan], count: int, *, seed_of: str) -> list[Plan]:
    """Up to ``count`` distinct plans of a strategy; ``seed_of`` names the seed, equal names give equal plans.

    Plans that repeat are made up for by drawing a few more. Empty plans are left out.
    """
    drawn: dict[str, Plan] = {}
    for number in range(ROUNDS):
        missing = count - len(drawn)
        if missing <= 0:
            break
        _collect(strategy, missing, seed_of=seed_of if number == 0 else f"{seed_of}/{number}", into=drawn)
    return list(drawn.values())[:count]


def _collect(strategy: st.SearchStrategy[Plan], count: int, *, seed_of: str, into: dict[str, Plan]) -> None:
    @seed(int.from_bytes(hashlib.sha256(seed_of.encode()).digest()[:8]))
    @settings(DRAWING, max_examples=count)
    @given(strategy)
    def collect(plan: Plan) -> None:
        if plan.actions:
            into.setdefault(plan.digest, plan)

    collect()
