"""``cancel-conformance self-check``: does the suite catch every seeded fault, and leave a clean exchange in peace?"""

from statistics import mean, median
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from conformance.exit_status import ExitStatus

if TYPE_CHECKING:
    from rich.console import Console

    from conformance.application.self_check import TrialResult


def self_check(
    *,
    level: Annotated[Literal["smoke", "standard", "certify"], typer.Option(help="Budgets of each run.")] = "standard",
    only: Annotated[
        str | None, typer.Option(metavar="ID,…", help="Faults of these requirements or families alone.")
    ] = None,
    fault: Annotated[list[str] | None, typer.Option(metavar="NAME", help="These faults alone.")] = None,
    variant: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="These honest variants, clean, and no fault.")
    ] = None,
    variants: Annotated[
        bool, typer.Option("--variants", help="Every honest variant of the exchange, clean, and no fault.")
    ] = False,
    schemes: Annotated[
        bool, typer.Option("--schemes", help="Every other scheme of signatures, clean, and its own faults.")
    ] = False,
    everything: Annotated[
        bool, typer.Option("--everything", help="Run the whole suite on each fault, to see all that fires.")
    ] = False,
    clean_runs: Annotated[int, typer.Option(min=0, help="Clean runs in each cancel mode, with different seeds.")] = 1,
    seed: Annotated[int, typer.Option(help="The first seed.")] = 1,
    workers: Annotated[int, typer.Option(min=1, help="Processes, each with an exchange of its own.")] = 2,
) -> ExitStatus:
    """Run the suite against the embedded exchange, once for each seeded fault and clean, and show what caught what."""
    from rich.console import Console
    from rich.progress import Progress

    from conformance.application.run import known_faults, known_variants
    from conformance.application.self_check import check, scheme_trials, trials, variant_trials
    from conformance.engine.levels import LevelName
    from conformance.requirements import select
    from fixtures.faults import FAULTS
    from fixtures.variants import VARIANTS

    console = Console(highlight=False)
    names = list(known_faults(fault)) if fault else list(FAULTS)
    if only is not None:
        wanted = {requirement.id for requirement in select(only.split(","))}
        names = [name for name in names if FAULTS[name].requirement in wanted]
    todo = trials(names, seed=seed, clean=clean_runs > 0, clean_seeds=clean_runs)
    if variant or variants:
        todo = variant_trials(known_variants(variant) if variant else VARIANTS, seed=seed)
    if schemes:
        todo = scheme_trials(seed=seed)
    results = []
    with Progress(console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task("self-check", total=len(todo))
        for result in check(todo, level=LevelName(level), processes=workers, everything=everything):
            results.append(result)
            progress.advance(bar)
            if not result.good:
                progress.console.print(_line(result), style="red", highlight=False)
    return _report(console, results)


def _line(result: "TrialResult") -> str:
    trial = result.trial
    if result.error:
        return f"{trial.fault or 'clean'} ({trial.mode}): stopped: {result.error}"
    if trial.fault is None:
        name = f"honest variant {trial.variant}" if trial.variant else f"clean exchange {trial.scheme}".rstrip()
        return f"{name} ({trial.mode}, seed {trial.seed}) accused: {', '.join(result.broken)}: {result.kind}"
    others = f"; what fired: {', '.join(result.broken)}: {result.kind}" if result.broken else ""
    return f"{trial.fault} escaped {result.requirement} ({trial.mode}, {result.plans} plans{others})"


def _row(result: "TrialResult") -> tuple[str, ...]:
    """The cells of one trial's row."""
    caught = ("[green]yes[/]" if result.trial.fault else "[green]clean[/]") if result.good else "[red]NO[/]"
    return (
        result.trial.fault
        or f"({result.trial.variant or result.trial.scheme or 'clean'}, {result.trial.mode}, seed {result.trial.seed})",
        result.requirement or "nothing",
        caught,
        str(result.plans),
        f"{result.seconds:.1f}",
        result.by.removeprefix("test_"),
        ", ".join(f"[red]{i}[/]" if i in result.misnamed else i for i in result.broken if i != result.requirement),
    )


def _report(console: "Console", results: list["TrialResult"]) -> ExitStatus:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("fault", "must be caught by", "caught", "plans", "seconds", "by test", "also broken"):
        table.add_column(heading, overflow="fold")
    for result in sorted(results, key=lambda r: (r.trial.fault is not None, r.requirement, r.trial.fault or "")):
        table.add_row(*_row(result))
    console.print(table)
    faulty = [result for result in results if result.trial.fault is not None]
    clean = [result for result in results if result.trial.fault is None]
    caught = sum(result.good for result in faulty)
    accused = sum(not result.good for result in clean)
    for result in results:
        if not result.good:
            console.print(_line(result), style="red")
    if faulty:
        _report_names(console, faulty)
    console.print(
        f"{caught} of {len(faulty)} seeded faults caught by the requirement that must catch them; "
        f"{accused} of {len(clean)} clean runs accused."
    )
    return ExitStatus.CONFORMANT if caught == len(faulty) and not accused else ExitStatus.NONCONFORMANT


def _report_names(console: "Console", faulty: list["TrialResult"]) -> None:
    """How many requirements a fault breaks, and which of them neither its own line nor what that entails explains."""
    counts = [len(result.broken) for result in faulty]
    misnamed = [result for result in faulty if result.misnamed]
    for result in misnamed:
        console.print(f"{result.trial.fault} also broke {', '.join(result.misnamed)}, which it does not entail")
    console.print(
        f"Requirements broken by a fault: median {median(counts):g}, mean {mean(counts):.2f}; "
        f"{len(misnamed)} of {len(faulty)} faults broke others than they entail."
    )
