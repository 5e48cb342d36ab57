"""The report as one HTML page that needs no network: verdicts, violations with pictures, coverage, times, settings."""

import json
from collections import Counter
from collections.abc import Mapping
from functools import cache
from pathlib import Path, PurePath
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from conformance.exit_status import ExitStatus
from conformance.verdicts import Verdict
from reports.comparison import compare
from reports.evidence import Evidence
from reports.http_text import exchange_text
from reports.latency import MEASURES, milliseconds
from reports.pictures.coverage_map import coverage_map
from reports.pictures.latency_plot import latency_plot
from reports.pictures.overview import KINDS, SIGNS, overview
from reports.pictures.sequence import sequence_picture
from reports.proof import headline, proof
from reports.stored_run import StoredRun, load_run

MOST_EXCHANGES: Final = 40
"""HTTP exchanges of one violation that the page shows; all of them are in the evidence file."""
MOST_PICTURES: Final = 30


def render_page(directory: Path, against: Path | None = None) -> str:
    """The page of a run's folder, compared with the run of the folder ``against`` where one is given.

    Raises :class:`~conformance.errors.UserError` naming the file that is missing or wrong.
    """
    run = load_run(directory)
    earlier = load_run(against) if against is not None else None
    return (
        _environment()
        .get_template("page.html")
        .render(
            run=run,
            info=run.info,
            colour=_COLOURS.get(run.verdicts["exit_status"], "calm"),
            pictures={
                "overview": Markup(overview(run.verdicts["requirements"])),  # noqa: S704 - made by the SVG library, escaped
                "coverage": Markup(coverage_map(run.coverage)),  # noqa: S704 - likewise
                "latency": Markup(latency_plot(run.latency)),  # noqa: S704 - likewise
            },
            counts=_counts(run),
            verdicts=[str(verdict) for verdict in Verdict],
            kinds=KINDS,
            signs=SIGNS,
            findings=[_finding(name, evidence, number) for number, (name, evidence) in enumerate(_ordered(run))],
            measures=MEASURES,
            milliseconds=milliseconds,
            comparison=compare(run, earlier) if earlier is not None else None,
            earlier=earlier,
            profile=json.dumps(run.info["profile"], indent=2, ensure_ascii=False),
        )
    )


_COLOURS: Final[Mapping[int, str]] = {ExitStatus.CONFORMANT: "good", ExitStatus.NONCONFORMANT: "bad"}


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("reports", "templates"),
        autoescape=select_autoescape(default=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["anchor"] = anchor
    return environment


def anchor(name: str) -> str:
    """The place on the page that an evidence file is shown at: ``CXL-01-1`` of ``evidence/CXL-01-1.json``."""
    return f"evidence-{PurePath(name).stem}"


def _counts(run: StoredRun) -> list[tuple[str, Counter[str]]]:
    """How many of each verdict, by class in the order of the catalogue."""
    classes = dict.fromkeys(str(entry.requirement.requirement_class) for entry in run.entries)
    return [
        (one, Counter(str(e.verdict) for e in run.entries if str(e.requirement.requirement_class) == one))
        for one in classes
    ]


def _ordered(run: StoredRun) -> list[tuple[str, Evidence]]:
    """The findings in the order of the catalogue; each stands where the closest requirement that it breaks does."""
    ids = [entry.requirement.id for entry in run.entries]
    return sorted(run.evidence.items(), key=lambda item: (ids.index(item[1].requirement), item[0]))


def _finding(name: str, evidence: Evidence, number: int) -> dict[str, Any]:
    exchanges = [exchange for step in evidence.steps if step.index <= evidence.step for exchange in step.exchanges]
    picture = sequence_picture(evidence, name=f"s{number}") if number < MOST_PICTURES else ""
    return {
        "file": name,
        "evidence": evidence,
        "headline": headline(evidence),
        "proof": proof(evidence),
        "picture": Markup(picture),  # noqa: S704 - made by the SVG library, escaped
        "steps": [step for step in evidence.steps if step.index <= evidence.step and step.observations],
        # the last ones led to the violation
        "exchanges": [(f"{e.method} {e.operation}", e.status, exchange_text(e)) for e in exchanges[-MOST_EXCHANGES:]],
        "left_out": max(0, len(exchanges) - MOST_EXCHANGES),
        "plan": json.dumps(evidence.plan, indent=2, ensure_ascii=False),
    }
