"""``cancel-conformance replay``: run the plan of an evidence file again, and say how often it shows the same."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from conformance.exit_status import ExitStatus


def replay(
    evidence: Annotated[Path, typer.Argument(metavar="EVIDENCE", help="An evidence file of a run (JSON).")],
    *,
    target: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Target profile; the embedded exchange where none is given.")
    ] = None,
    times: Annotated[int, typer.Option(min=1, help="How often to run the plan.")] = 1,
    export: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write a pytest file that runs this plan, the plan beside it, and end."),
    ] = None,
    cancel_mode: Annotated[
        Literal["immediate", "delayed", "mixed"], typer.Option(help="Cancel mode of the embedded exchange.")
    ] = "mixed",
    fault: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Seed this fault into the embedded exchange.")
    ] = None,
) -> ExitStatus:
    """Sign the plan's requests anew, run it, and say how often it showed the same violation; 1 if it did, else 0."""
    from conformance.application.replay import export_test, replays
    from conformance.application.run import Options
    from reports.evidence import read_evidence

    kept = read_evidence(evidence)
    if export is not None:
        export_test(kept, export)
        typer.echo(f"Wrote {export}; run it with: pytest {export} --target FILE")
        return ExitStatus.CONFORMANT
    options = Options(target=target, level="smoke", cancel_mode=cancel_mode, faults=tuple(fault or ()))
    shown = 0
    for result in replays(kept, options, times=times):
        same = result.same
        shown += same
        word = "reproduced" if same else "another violation" if result.seen else "not reproduced"
        typer.echo(f"{word}: {result.sentence}")
    typer.echo(f"Reproduced {shown} of {times}: {kept.requirement}, {kept.kind}")
    return ExitStatus.NONCONFORMANT if shown else ExitStatus.CONFORMANT
