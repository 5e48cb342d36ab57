"""``cancel-conformance sweep``: cancel what killed runs left open at a target, and nothing else."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from conformance.exit_status import ExitStatus

if TYPE_CHECKING:
    from fixtures.venue.journal import Leftover


def sweep(
    *,
    target: Annotated[Path, typer.Option("--target", metavar="FILE", help="Target profile (TOML).")],
) -> ExitStatus:
    """Cancel what killed runs left open at a target, and nothing else."""
    from rich.console import Console

    from fixtures.profiles import load_profile
    from fixtures.venue.sweep import sweep as sweep_leftovers

    console = Console(highlight=False)
    report = sweep_leftovers(load_profile(target))
    named = (
        ("cancelled", report.cancelled),
        ("over already", report.over),
        ("never arrived", report.never_arrived),
    )
    for words, orders in named:
        for order in orders:
            console.print(f"{words}: {_order(order)}", markup=False)
    for order, reason in report.failed:
        console.print(f"still open: {_order(order)}: {reason}", markup=False)
    total = sum(len(orders) for _, orders in named)
    if not report.clean:
        console.print(f"{len(report.failed)} orders may still be open at {target}; run sweep again.", markup=False)
        return ExitStatus.INCONCLUSIVE
    console.print(
        f"{total} orders of earlier runs seen to be over, {len(report.cancelled)} of them cancelled now."
        if total
        else "No run has left an order open."
    )
    return ExitStatus.CONFORMANT


def _order(order: "Leftover") -> str:
    name = order.order_id or f"client id {order.client_id}"
    return f"{name} (run {order.run}, {order.account}, {order.market})"
