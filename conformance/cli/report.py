"""``cancel-conformance report``: the files of a run as one HTML page, and what changed against another run."""

from pathlib import Path
from typing import Annotated

import typer

PAGE = "index.html"


def report(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="The folder that a run wrote (its --out).")],
    *,
    against: Annotated[
        Path | None, typer.Option(metavar="DIR2", help="Compare with this earlier run: better, worse, new.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help=f"Where to write it; {PAGE} in DIR if absent.")
    ] = None,
    allure_history: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Write allure-results anew, with the history of this earlier Allure 2 report."
        ),
    ] = None,
) -> None:
    """Render the report of a run as a single HTML page that needs no network."""
    from reports.atomic_files import write_text
    from reports.page import render_page

    page = render_page(directory, against)
    target = out or directory / PAGE
    write_text(target, page)
    typer.echo(f"Wrote {target} ({len(page.encode()) // 1024} KiB); open it in any browser.")
    if allure_history is not None:
        from reports.allure import write_allure
        from reports.stored_run import load_run

        results = write_allure(load_run(directory), history_from=allure_history)
        typer.echo(f"Wrote {results}.")
