"""``cancel-conformance doctor``: does the profile say what the target does? Step by step, live, nothing left behind."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from conformance.exit_status import ExitStatus

if TYPE_CHECKING:
    from rich.console import Console

    from conformance.examination.checks import Check
    from conformance.examination.whole import Examination

MARKS = {
    "ok": "[green]ok[/]",
    "warning": "[yellow]warning[/]",
    "failed": "[red]failed[/]",
    "skipped": "[dim]skipped[/]",
}


def doctor(
    *,
    target: Annotated[Path, typer.Option("--target", metavar="FILE", help="Target profile (TOML).")],
) -> ExitStatus:
    """Check a target profile against the live target, step by step, and suggest the lines that would put it right."""
    from rich.console import Console

    from conformance.examination.whole import Examination
    from fixtures.profiles import load_profile

    console = Console(highlight=False, soft_wrap=True)
    profile = load_profile(target)
    for text in profile.warnings():
        console.print(f"[yellow]warning[/] {text}")
    console.print(
        f"Examining {profile.target.name} ({profile.target.environment}) at {profile.target.base_url}", markup=False
    )
    examination = Examination(profile)
    checks: list[Check] = []
    for check in examination.checks():
        checks.append(check)
        _print(console, check)
    _seen(console, examination)
    _gaps(console, examination)
    _suggestions(console, checks, target)
    bad = [check for check in checks if check.outcome == "failed"]
    if bad:
        console.print(f"[red]{len(bad)} of {len(checks)} checks failed.[/]")
        return ExitStatus.USAGE
    console.print(f"The target is as the profile says: cancel-conformance run --target {target}", markup=False)
    return ExitStatus.CONFORMANT


def _print(console: "Console", check: "Check") -> None:
    from rich.markup import escape

    console.print(f"{MARKS[check.outcome]:<20} [bold]{check.name}[/]: {escape(check.detail)}")


def _seen(console: "Console", examination: "Examination") -> None:
    from rich.markup import escape

    if examination.words:
        words = ", ".join(f"`{word}` {status}" for word, status in sorted(examination.words.items()))
        console.print(f"[bold]words seen[/]: {escape(words)}")
    for what, answer in sorted(examination.answers.items()):
        console.print(f"[bold]answer seen[/]: {escape(what)}: {escape(answer)}")


def _gaps(console: "Console", examination: "Examination") -> None:
    from rich.markup import escape

    for gap in examination.gaps():
        console.print(
            f"[bold]will not be exercised[/]: {', '.join(gap.requirements)}: "
            f"no {gap.capability}; it takes {escape(gap.provided_by)}"
        )


def _suggestions(console: "Console", checks: list["Check"], target: Path) -> None:
    """The lines of all checks, each table once."""
    tables: dict[str, list[str]] = {}
    for check in checks:
        table = ""
        for line in check.lines:
            if line.startswith("["):
                table = line
                tables.setdefault(table, [])
            elif line not in tables[table]:
                tables[table].append(line)
    if not tables:
        return
    console.print(f"What was seen would agree with these lines in {target}:", markup=False)
    for table, lines in tables.items():
        for line in (table, *lines):
            console.print(f"    {line}", markup=False)
