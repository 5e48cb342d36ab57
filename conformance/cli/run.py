"""``cancel-conformance run``: judge a target (or the embedded exchange) and write what was found."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from conformance.exit_status import ExitStatus


def run(
    *,
    target: Annotated[
        Path | None,
        typer.Option(
            "--target", metavar="FILE", help="Target profile (TOML); the embedded exchange where none is given."
        ),
    ] = None,
    level: Annotated[
        Literal["smoke", "standard", "certify"],
        typer.Option(help="How much to try: seconds, a minute, or for a certificate."),
    ] = "standard",
    only: Annotated[
        str | None, typer.Option(metavar="ID,…", help="Judge these requirements or families alone, such as CXL,FND.")
    ] = None,
    seed: Annotated[int, typer.Option(help="The same seed gives the same plans.")] = 1,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where the reports are written.")] = Path(
        "conformance-report"
    ),
    workers: Annotated[
        int, typer.Option(min=1, help="Lanes, each with accounts of its own, that run plans at once.")
    ] = 3,
    strict: Annotated[bool, typer.Option("--strict", help="A SHOULD that fails fails the run, too.")] = False,
    despite_foreign_orders: Annotated[
        bool, typer.Option("--despite-foreign-orders", help="Use accounts that have active orders of somebody else.")
    ] = False,
    deviations: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Known deviations (TOML) that do not fail the gate until they expire."),
    ] = None,
    regressions: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Kept evidence files; their plans are run first.")
    ] = None,
    against: Annotated[
        Path | None, typer.Option(metavar="DIR2", help="An earlier run's folder, to compare with in the HTML page.")
    ] = None,
    allure_history: Annotated[
        Path | None, typer.Option(metavar="DIR", help="The last Allure report, whose history and trend go on.")
    ] = None,
    record: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Write all that was seen there, for `judge`; compressed where it ends with .gz."
        ),
    ] = None,
    cancel_mode: Annotated[
        Literal["immediate", "delayed", "mixed"], typer.Option(help="Cancel mode of the embedded exchange.")
    ] = "mixed",
    fault: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Seed this fault into the embedded exchange.")
    ] = None,
) -> ExitStatus:
    """Judge a target over HTTP, requirement by requirement."""
    from conformance.application.run import Options, perform

    return perform(
        Options(
            target=target,
            level=level,
            only=only,
            seed=seed,
            out=out,
            workers=workers,
            strict=strict,
            despite_foreign_orders=despite_foreign_orders,
            cancel_mode=cancel_mode,
            faults=tuple(fault or ()),
            deviations=deviations,
            regressions=regressions,
            against=against,
            allure_history=allure_history,
            record=record,
        )
    ).status
