"""``cancel-conformance minimise``: make the plan of an evidence file smaller, within a budget of requests."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from conformance.exit_status import ExitStatus


def minimise(
    evidence: Annotated[Path, typer.Argument(metavar="EVIDENCE", help="An evidence file of a run (JSON).")],
    *,
    target: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Target profile; the embedded exchange where none is given.")
    ] = None,
    requests: Annotated[int, typer.Option(min=1, help="About how many requests it may take.")] = 1000,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Where to write the smaller plan; in place of EVIDENCE if absent."),
    ] = None,
    cancel_mode: Annotated[
        Literal["immediate", "delayed", "mixed"], typer.Option(help="Cancel mode of the embedded exchange.")
    ] = "mixed",
    fault: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Seed this fault into the embedded exchange.")
    ] = None,
) -> ExitStatus:
    """Search for the smallest plan that still shows the violation."""
    from conformance.application.replay import smaller
    from conformance.application.run import Options
    from reports.evidence import read_evidence

    kept = read_evidence(evidence)
    options = Options(target=target, level="smoke", cancel_mode=cancel_mode, faults=tuple(fault or ()))
    before, after, spent = smaller(kept, options, requests=requests, write_to=out or evidence)
    if after is None:
        typer.echo(f"The violation did not show again in {spent} requests; nothing was written.")
        return ExitStatus.CONFORMANT
    typer.echo(f"{before} actions made {after} in {spent} requests; wrote {out or evidence}.")
    return ExitStatus.NONCONFORMANT
