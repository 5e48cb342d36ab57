"""``cancel-conformance explain``: what a requirement says, where it comes from, how it is tested and proven."""

from typing import TYPE_CHECKING, Annotated

import typer

from conformance.requirements import Requirement, catalogue, select

if TYPE_CHECKING:
    from rich.console import Console


def explain(
    ids: Annotated[
        list[str] | None,
        typer.Argument(metavar="[ID]...", help="Ids, or families such as CXL; none lists all."),
    ] = None,
) -> None:
    """Print a requirement with its source, how it is tested and what it needs."""
    from rich.console import Console

    console = Console(highlight=False)
    if not ids:
        _list(console, tuple(catalogue().values()))
        return
    for position, requirement in enumerate(select(ids)):
        if position:
            console.print()
        _explain(console, requirement)


def _list(console: "Console", requirements: tuple[Requirement, ...]) -> None:
    from rich.table import Table

    table = Table("id", "level", "class", "requirement", box=None, pad_edge=False, header_style="bold")
    for requirement in requirements:
        table.add_row(requirement.id, requirement.level, requirement.requirement_class, requirement.sentence)
    console.print(table)


def _explain(console: "Console", requirement: Requirement) -> None:
    from rich.markup import escape
    from rich.table import Table

    from conformance.suite.listing import conformance_tests
    from fixtures.faults import FAULTS

    authority = "; ".join(f"{word} ({word.meaning})" for word in requirement.authority)
    tests = [
        f"{test.summary or 'no description'}\n(suite/{test.name.replace('::', '.py::')})"
        for test in conformance_tests()
        if requirement.id in test.requirements
    ]
    faults = [f"{fault.name}: {fault.summary}" for fault in FAULTS.values() if fault.requirement == requirement.id]
    level = str(requirement.level) if requirement.judged else f"{requirement.level} (measured, never judged)"
    console.print(f"[bold]{requirement.id}[/]  {level}  {requirement.requirement_class}")
    console.print(escape(requirement.sentence))
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="bold", no_wrap=True)
    grid.add_column()
    rows = {
        "source": [requirement.source],
        "authority": [authority],
        "note": [requirement.note] if requirement.note else [],
        "needs": [", ".join(sorted(requirement.needs)) or "nothing beyond a reachable target"],
        "tested by": tests or ["no conformance test"],
        "proven by": faults or ["no seeded fault"],
    }
    for title, lines in rows.items():
        for position, line in enumerate(lines):
            grid.add_row("" if position else title, escape(line))
    console.print(grid)
