"""What is measured and shown, never judged: the INF requirements, as percentiles and as samples for a picture."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from conformance.requirements import Measure, catalogue
from conformance.verdicts import RunRecord

FORMAT: Final = "cancel-conformance/latency/1"
MOST_SAMPLES: Final = 1000
"""Samples that are kept of each measure, evenly spread over the sorted ones: the shape stays, the file stays small."""

_WORDS: Final[Mapping[Measure, str]] = {
    Measure.ANSWER: "time to answer a cancel",
    Measure.END: "time from the answer to a terminal status",
    Measure.RELEASE: "time from the answer to released funds",
}
_MEASURED: Final = {one.id: one.measures for one in catalogue().values() if one.measures is not None}

MEASURES: Final[Mapping[str, str]] = {name: _WORDS[what] for name, what in _MEASURED.items()}
"""By the id of a requirement that is only measured: what is timed, in words."""


def latency(record: RunRecord) -> dict[str, Any]:
    """The measured times of a run as JSON data, in seconds."""
    seconds = {
        Measure.ANSWER: record.answer_seconds,
        Measure.END: record.terminal_seconds,
        Measure.RELEASE: record.release_seconds,
    }
    measures = {name: measure(seconds[what]) for name, what in _MEASURED.items()}
    return {"format": FORMAT, "unit": "seconds", "measures": measures}


def measure(samples: Sequence[float]) -> dict[str, Any]:
    """Count, median, 95th and 99th percentile, maximum and samples; the figures are ``None`` where nothing was seen."""
    ordered = sorted(samples)
    if not ordered:
        return {"count": 0, "median": None, "p95": None, "p99": None, "maximum": None, "samples": []}
    step = max(1.0, len(ordered) / MOST_SAMPLES)
    kept = [ordered[int(position * step)] for position in range(min(len(ordered), MOST_SAMPLES))]
    kept[-1] = ordered[-1]
    return {
        "count": len(ordered),
        "median": percentile(ordered, 50),
        "p95": percentile(ordered, 95),
        "p99": percentile(ordered, 99),
        "maximum": round(ordered[-1], 6),
        "samples": [round(sample, 6) for sample in kept],
    }


def percentile(ordered: Sequence[float], percent: float) -> float:
    """The percentile of sorted samples by the nearest-rank method: always a value that was measured."""
    rank = max(1, -(-len(ordered) * percent // 100))
    return round(ordered[int(rank) - 1], 6)


def milliseconds(seconds: float | None) -> str:
    """A time for people, such as ``3.2 ms``; a dash where nothing was measured."""
    return "\N{EN DASH}" if seconds is None else f"{seconds * 1000:.1f} ms"
