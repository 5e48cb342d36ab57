"""One short run against a faulty exchange, for all tests that look at what a run leaves."""

from pathlib import Path

import pytest

from conformance.application.run import Options, RunOutcome, perform

FAULT = "filled-cancel-accepted"


@pytest.fixture(scope="session")
def faulty_run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, RunOutcome]:
    """The folder and the outcome of a smoke run of one requirement against a seeded fault."""
    folder = tmp_path_factory.mktemp("report")
    options = Options(
        level="smoke", only="TRM-01", out=folder, faults=(FAULT,), cancel_mode="immediate", workers=2, quiet=True
    )
    return folder, perform(options)
