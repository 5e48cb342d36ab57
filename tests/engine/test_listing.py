"""The conformance tests as a list: what they speak for, in which order, and how they are run one after the other."""

import pytest

from conformance.engine.explorer import Explorer, NonconformityError, RunStoppedError
from conformance.engine.levels import LEVELS, LevelName
from conformance.requirements import Capability, catalogue
from conformance.suite.listing import MIDDLE, ConformanceTest, _marked, chosen, conformance_tests, run_suite
from strategies.grounds import Ground
from tests.engine.test_verdicts import finding

TESTS = conformance_tests()


def test_the_walked_cells_come_first_and_the_free_exploration_last() -> None:
    """Aimed plans find the most in the least time, so they come first; what may lose all funds ends the run."""
    modules = list(dict.fromkeys(test.name.partition("::")[0] for test in TESTS))
    first = ["test_first_calls", "test_first_steps", "test_released_funds", "test_cells", "test_situations"]
    last = ["test_races", "test_lifecycles", "test_all_funds"]
    assert (modules[: len(first)], modules[-len(last) :]) == (first, last)
    between = modules[len(first) : -len(last)]
    assert between == sorted(between)


def test_a_mark_is_the_tests_own_before_its_files() -> None:
    """A test's marks say when it is run, about how many plans it runs, and whether it is broad; else its file's."""

    def function(_: Explorer) -> None:
        """Something holds."""

    mark = pytest.mark
    own, files = [mark.turn("cells").mark, mark.broad.mark], [mark.turn("races"), mark.budget(plans=lambda level: 7)]
    test = _marked("t", function, [*own, *files])
    level = LEVELS[LevelName.STANDARD]
    assert (test.turn, test.broad, test.expected_plans(level)) == ("cells", True, 7)
    plain = _marked("t", function, [])
    assert (plain.turn, plain.broad, plain.expected_plans(level)) == (MIDDLE, False, 4 * level.focused // 3)
    with pytest.raises(ValueError, match=r"t: expected a turn among new accounts, .*, found 'last'"):
        _marked("t", function, [mark.turn("last")])


def test_some_tests_are_broad() -> None:
    """Where a fault's own tests miss it, the walked cells and the free exploration are tried before the rest."""
    assert {test.turn for test in TESTS if test.broad} == {"cells", "free exploration"}


def test_every_test_speaks_for_known_requirements_in_a_sentence() -> None:
    """A conformance test names requirements of the catalogue, and says what must hold."""
    for test in TESTS:
        assert test.requirements, test.name
        assert set(test.requirements) <= set(catalogue()), test.name
        assert test.summary.endswith("."), test.name
    assert len({test.name for test in TESTS}) == len(TESTS)


def test_every_requirement_has_a_test() -> None:
    """Every judged requirement has a test that speaks for it, but those that are asked of every answer."""
    spoken_for = {requirement for test in TESTS for requirement in test.requirements}
    judged = {requirement.id for requirement in catalogue().values() if requirement.judged}
    assert judged - spoken_for <= {"ERR-01", "ERR-04", "SIG-11"}


def test_tests_are_chosen_by_their_requirements() -> None:
    """A selection takes the tests that speak for any of it; none means all of them."""
    assert chosen(TESTS, None) == TESTS
    names = {test.name for test in chosen(TESTS, ["FND-07"])}
    assert names == {"test_released_funds::test_released_funds_are_usable"}


class TestRunning:
    """Running the suite: what a test ends with decides how it goes on."""

    @staticmethod
    def ran(explorer: Explorer, *ends: Exception | None, needs: str = "CXL-01") -> list[int]:
        """Which of several tests were run, each ending so."""
        seen: list[int] = []

        def test_of(number: int, end: Exception | None) -> ConformanceTest:
            def function(_: Explorer) -> None:
                seen.append(number)
                if end is not None:
                    raise end

            return ConformanceTest(name=f"t{number}", requirements=(needs,), summary=".", function=function)

        run_suite(explorer, [test_of(number, end) for number, end in enumerate(ends)])
        return seen

    @pytest.fixture
    def able(self, explorer: Explorer) -> Explorer:
        """An explorer whose target can place orders."""
        explorer.ground = Ground(markets=(), abilities=frozenset({Capability.PLACE, Capability.READ}))
        return explorer

    def test_a_finding_ends_its_test_alone(self, able: Explorer) -> None:
        """After a nonconformity the next test goes on: it may find something else."""
        assert self.ran(able, NonconformityError(finding("CXL-01")), None) == [0, 1]

    def test_a_run_that_cannot_go_on_ends_the_suite(self, able: Explorer) -> None:
        """Once the target is away no further test is run."""
        assert self.ran(able, None, RunStoppedError("gone"), None) == [0, 1]

    def test_a_defect_of_the_suite_hides_nothing(self, able: Explorer, capsys: pytest.CaptureFixture[str]) -> None:
        """An error of our own is recorded with its test, shown to whoever can mend it, and the other tests are run."""
        assert self.ran(able, KeyError("price"), None) == [0, 1]
        assert able.record.errors == ["the suite erred in t0: KeyError('price')"]
        assert "KeyError" in capsys.readouterr().err

    def test_what_a_target_cannot_show_is_not_tried(self, able: Explorer) -> None:
        """A test whose requirements all need what the target does not offer is left out."""
        assert self.ran(able, None, needs="ALL-02") == []

    def test_a_search_that_has_found_ends(self, able: Explorer) -> None:
        """Where one violation is looked for, no test is run after it is found."""
        able.stop_at_first = frozenset({"CXL-01"})
        able.record.findings["CXL-01", "a kind"] = finding("CXL-01")
        assert self.ran(able, None) == []
