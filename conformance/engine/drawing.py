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


def draw_plans(strategy: st.SearchStrategy[Plan], count: int, *, seed_of: str) -> list[Plan]:
    """Up to ``count`` distinct plans of a strategy; ``seed_of`` names the seed, equal names give equal plans.

    About a fifth of what is drawn repeats, so a few more are drawn than are asked for. Empty plans are left out.
    """
    if count <= 0:
        return []
    drawn: dict[str, Plan] = {}
    number = int.from_bytes(hashlib.sha256(seed_of.encode()).digest()[:8])

    @seed(number)
    @settings(DRAWING, max_examples=count + count // 3 + 2)
    @given(strategy)
    def collect(plan: Plan) -> None:
        if plan.actions and len(drawn) < count:
            drawn.setdefault(plan.digest, plan)

    collect()
    return list(drawn.values())
