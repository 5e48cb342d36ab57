"""Print what the suite costs on this machine, beside what it should cost."""

import argparse
import os
from collections.abc import Callable, Mapping

from rich.console import Console
from rich.table import Table

from benchmarks import lanes, predicting, recording, requesting, searching, starting
from benchmarks.figures import Figure
from conformance.engine.levels import LevelName

PARTS = ("predictions", "searches", "start", "requests", "recording", "lanes")


def main() -> None:
    """Measure what was asked for, and print a table as each part is done."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--only", choices=PARTS, action="append", help="measure these parts alone")
    parser.add_argument("--level", choices=[level.value for level in LevelName], default="standard", help="of the runs")
    asked = parser.parse_args()
    measures: Mapping[str, Callable[[], list[Figure]]] = {
        "predictions": predicting.measure,
        "searches": searching.measure,
        "start": starting.measure,
        "requests": lambda: requesting.measure(LevelName(asked.level)),
        "recording": recording.measure,
        "lanes": lanes.measure,
    }
    console = Console()
    load = f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown"
    console.print(f"{os.cpu_count()} cores, load {load} before the first measurement", style="dim", highlight=False)
    for name in asked.only or PARTS:
        table = Table(box=None, pad_edge=False, title=name, title_justify="left", title_style="bold")
        table.add_column("figure", width=42)
        table.add_column("value", justify="right", width=9)
        table.add_column("unit", width=15)
        table.add_column("target")
        for figure in measures[name]():
            colour = {None: "", True: "[green]", False: "[red]"}[figure.met]
            table.add_row(figure.name, f"{colour}{figure.shown}", figure.unit, figure.target)
        console.print(table)


if __name__ == "__main__":
    main()
