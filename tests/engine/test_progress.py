"""How far a run is: by the plans that its tests are expected to run."""

import pytest

from conformance.application.progress import Course
from conformance.engine.levels import LEVELS, LevelName
from conformance.suite.listing import conformance_tests


def test_what_is_done_is_what_ended_and_the_part_of_the_current_test() -> None:
    """A test that ended counts whole, the current one by its plans, one that was passed over as ended."""
    course = Course(expected={"a": 10, "b": 20, "c": 70})
    assert course.done == 0
    course.begin("a")
    course.planned, course.run = 4, 1
    assert course.done == pytest.approx(0.025)
    course.begin("c")
    assert course.done == pytest.approx(0.3)
    course.planned, course.run = 200, 100
    assert course.done == pytest.approx(0.65)


def test_kept_plans_before_the_first_test_are_no_part_of_it() -> None:
    """Kept evidence is run before any test; nothing is done by it."""
    course = Course(expected={"a": 10})
    course.planned, course.run = 3, 3
    assert course.done == 0


@pytest.mark.parametrize("level", LevelName)
def test_free_exploration_is_expected_to_be_as_long_as_it_is(level: LevelName) -> None:
    """The tests of a level are expected to run what its budgets say, each a plan at least."""
    tests = conformance_tests()
    expected = {test.name: test.expected_plans(LEVELS[level]) for test in tests}
    assert min(expected.values()) >= 1
    assert expected["test_lifecycles::test_lifecycles"] == LEVELS[level].explored
    if level is LevelName.CERTIFY:
        assert 7_000 < sum(expected.values()) < 14_000
