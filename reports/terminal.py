"""What a run prints at its end: verdicts by class, violations as proofs, one line that sums it up."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from rich.console import Console, Group, RenderableType
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from conformance.exit_status import ExitStatus
from conformance.verdicts import Judgement, RunRecord, Verdict
from reports.evidence import Evidence
from reports.proof import WIDTH, proof
from reports.run_info import RunInfo
from reports.summary import conclusion

STYLES: Final[Mapping[Verdict, str]] = {
    Verdict.PASS: "green",
    Verdict.FAIL: "bold red",
    Verdict.INTERMITTENT: "bold yellow",
    Verdict.NOT_EXERCISED: "dim",
    Verdict.INCONCLUSIVE: "magenta",
}
SIGNS: Final[Mapping[Verdict, str]] = {
    Verdict.PASS: "",
    Verdict.FAIL: "!",
    Verdict.INTERMITTENT: "~",
    Verdict.NOT_EXERCISED: "-",
    Verdict.INCONCLUSIVE: "?",
}
"""Signs before an id, for readers and terminals without colour."""

MOST_PANELS: Final = 6


def verdict_table(judgements: Sequence[Judgement]) -> Table:
    """One row a class: how many of each verdict, and every requirement by its id with its verdict's sign."""
    used = [verdict for verdict in Verdict if any(j.verdict is verdict for j in judgements)]
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    table.add_column("class", no_wrap=True)
    for verdict in used:
        table.add_column(f"{SIGNS[verdict]} {verdict.lower()}".strip(), justify="right", style=STYLES[verdict])
    table.add_column("requirements", overflow="fold")
    for name in dict.fromkeys(j.requirement.requirement_class for j in judgements):
        mine = [j for j in judgements if j.requirement.requirement_class is name]
        found = Counter(j.verdict for j in mine)
        ids = Text(" ").join(Text(f"{SIGNS[j.verdict]}{j.requirement.id}", style=STYLES[j.verdict]) for j in mine)
        table.add_row(str(name), *(str(found[verdict] or "") for verdict in used), ids)
    return table


def unjudged_table(judgements: Sequence[Judgement]) -> Table | None:
    """Why requirements were not judged, grouped by the reason; ``None`` where all were."""
    reasons: dict[tuple[Verdict, str], list[str]] = {}
    for judgement in judgements:
        if judgement.verdict in (Verdict.NOT_EXERCISED, Verdict.INCONCLUSIVE):
            reasons.setdefault((judgement.verdict, judgement.reason), []).append(judgement.requirement.id)
    if not reasons:
        return None
    table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    table.add_column(overflow="fold")
    for (verdict, reason), ids in reasons.items():
        table.add_row(Text(verdict, style=STYLES[verdict]), ", ".join(ids), escape(reason))
    return table


def violation_panels(
    judgements: Sequence[Judgement], evidence: Mapping[str, Evidence], *, width: int = WIDTH, most: int = MOST_PANELS
) -> Iterator[RenderableType]:
    """Each violation once, as a proof in a frame; where there are more than ``most``, the rest by file name.

    ``width`` is that of the console, in characters.
    """
    failed = {j.requirement.id: j.verdict for j in judgements if j.verdict in (Verdict.FAIL, Verdict.INTERMITTENT)}
    shown = list(evidence.items())
    for name, one in shown[:most]:
        style = "yellow" if one.intermittent else "red"
        verdict = failed.get(one.requirement, Verdict.FAIL)
        yield Panel(
            Text(proof(one, width=min(WIDTH, max(40, width - 4))), overflow="fold"),
            title=Text(f"{one.requirement} {verdict}"),
            subtitle=Text(name),
            border_style=style,
            title_align="left",
            subtitle_align="right",
        )
    if len(shown) > most:
        yield Text(f"{len(shown) - most} more violations: " + ", ".join(name for name, _ in shown[most:]))


def summary_line(record: RunRecord, judgements: Sequence[Judgement], info: RunInfo, status: int) -> Text:
    """The conclusion with the run's size, in the colour of its exit status."""
    colours = {ExitStatus.CONFORMANT: "bold green", ExitStatus.NONCONFORMANT: "bold red"}
    rate = record.requests / info.seconds if info.seconds > 0 else 0.0
    text = Text(conclusion(status, judgements), style=colours.get(ExitStatus(status), "bold magenta"))
    text.append(
        f" {info.level}, seed {info.seed}: {record.plans} plans, {record.requests} requests"
        f"{f', {len(record.attacks)} distinct attacks' if record.attacks else ''} in {info.seconds:.1f} s "
        f"({rate:.0f}/s).",
        style="default",
    )
    return text


def print_result(
    console: Console,
    record: RunRecord,
    judgements: Sequence[Judgement],
    info: RunInfo,
    status: int,
    evidence: Mapping[str, Evidence],
) -> None:
    """Print all of it: violations first, so that the verdicts and the conclusion stay in sight."""
    for panel in violation_panels(judgements, evidence, width=console.width):
        console.print(panel)
    unjudged = unjudged_table(judgements)
    parts: list[RenderableType] = [verdict_table(judgements)]
    parts += [Text(), unjudged] if unjudged is not None else []
    parts += [Text(), summary_line(record, judgements, info, status)]
    console.print(Group(*parts))
