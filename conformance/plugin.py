"""The pytest plugin: ``pytest --pyargs conformance --target FILE`` runs the conformance tests under pytest.

It stays inert in every other run: without ``--target`` (or ``--embedded``) it collects nothing, opens nothing and
imports nothing heavy. The verdicts and files are those of ``cancel-conformance run``; pytest's own outcome of a test
says whether its requirements were broken.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

if TYPE_CHECKING:
    from conformance.engine.explorer import Explorer


MARKS: Final = (
    "requirement(*ids): the requirements that a conformance test speaks for",
    "turn(name): when a conformance test is run, where that is not in the middle",
    "budget(plans): about how many plans a conformance test runs, by the level",
    "broad: a conformance test that finds what no test is aimed at",
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of a conformance run."""
    group = parser.getgroup("cancel-conformance")
    group.addoption("--target", metavar="FILE", default=None, help="target profile (TOML) to judge")
    group.addoption("--embedded", action="store_true", help="judge the embedded exchange")
    group.addoption("--level", choices=("smoke", "standard", "certify"), default="standard", help="how much to try")
    group.addoption("--plan-seed", type=int, default=1, help="the same seed gives the same plans")
    group.addoption("--lanes", type=int, default=1, help="lanes, each with accounts of its own")
    group.addoption("--report", metavar="DIR", default="conformance-report", help="where the reports are written")


def pytest_configure(config: pytest.Config) -> None:
    """Register the marks of the conformance tests, which `conformance.suite.listing` reads."""
    for mark in MARKS:
        config.addinivalue_line("markers", mark)


def asked_for(config: pytest.Config) -> bool:
    """Whether this pytest run is a conformance run."""
    return bool(config.getoption("--target") or config.getoption("--embedded"))


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Keep the conformance tests out of runs that name no target: without one they could only fail."""
    if collection_path.parent == Path(__file__).parent / "suite" and not asked_for(config):
        return True
    return None


@pytest.fixture(scope="session")
def explorer(request: pytest.FixtureRequest) -> Iterator["Explorer"]:
    """The explorer of this run; at the end it writes the reports and prints the verdicts."""
    from conformance.application.run import Options, performing
    from conformance.errors import UserError

    config = request.config
    if not asked_for(config):
        pytest.skip("a conformance run needs --target FILE, or --embedded")
    if hasattr(config, "workerinput"):
        pytest.exit("Lanes run in one process: use --lanes N in place of pytest-xdist's -n.", returncode=2)
    target = config.getoption("--target")
    options = Options(
        target=Path(target) if target else None,
        level=config.getoption("--level"),
        seed=config.getoption("--plan-seed"),
        out=Path(config.getoption("--report")),
        workers=config.getoption("--lanes"),
        quiet=True,
    )
    try:
        with performing(options) as run:
            yield run.explorer
        capture = config.pluginmanager.getplugin("terminalreporter")
        if capture is not None:
            capture.write_line("")
            capture.write_line(f"cancel-conformance: {run.sentence}; reports in {options.out}")
    except UserError as error:
        pytest.exit(error.message, returncode=2)


@pytest.fixture(autouse=True)
def _begin_conformance_test(request: pytest.FixtureRequest) -> None:
    """Tell the explorer which requirements the coming test speaks for, and skip what the target cannot exercise."""
    marks = list(request.node.iter_markers("requirement"))
    if not marks or "explorer" not in request.fixturenames:
        return
    from conformance.requirements import catalogue

    ids = tuple(dict.fromkeys(i for mark in marks for i in mark.args))
    run = request.getfixturevalue("explorer")
    lacking = [list[str](sorted(catalogue()[i].needs - run.ground.abilities)) for i in ids]
    if all(lacking):
        fewest = min(lacking, key=len)
        pytest.skip(f"the target does not offer: {', '.join(fewest)}")
    run.begin(request.node.nodeid.rsplit("/", 1)[-1], ids)
