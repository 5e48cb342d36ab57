"""``cancel-conformance judge``: judge the history that a run has recorded, without its target."""

from pathlib import Path
from typing import Annotated

import typer

from conformance.exit_status import ExitStatus


def judge(
    history: Annotated[Path, typer.Argument(metavar="FILE", help="A history: what `run --record FILE` wrote.")],
    *,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where the reports are written.")] = Path(
        "conformance-report"
    ),
    strict: Annotated[bool, typer.Option("--strict", help="A SHOULD that fails fails the run, too.")] = False,
    deviations: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Known deviations (TOML) that do not fail the gate until they expire."),
    ] = None,
    against: Annotated[
        Path | None, typer.Option(metavar="DIR2", help="An earlier run's folder, to compare with in the HTML page.")
    ] = None,
    allure_history: Annotated[
        Path | None, typer.Option(metavar="DIR", help="The last Allure report, whose history and trend go on.")
    ] = None,
) -> ExitStatus:
    """Judge a recorded run once more: verdicts, evidence and reports as today's judge gives them."""
    from conformance.application.judge import judge_history
    from conformance.application.run import Options

    options = Options(out=out, strict=strict, deviations=deviations, against=against, allure_history=allure_history)
    return judge_history(history, options).status
