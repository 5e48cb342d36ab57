"""kill -9 in the middle of a run, then sweep."""

import subprocess
import sys
from decimal import Decimal
from pathlib import Path

from conformance.model.order import Side, Terms
from fixtures.exchange import ExchangeProcess
from fixtures.profiles import load_profile
from fixtures.venue import Venue
from fixtures.venue.sweep import sweep

RUN = """
import sys, time
from decimal import Decimal
from conformance.model.order import Side, Terms
from fixtures.profiles import load_profile
from fixtures.venue import Desk, Venue
profile = load_profile(sys.argv[1])
with Desk(profile) as desk, Venue(profile, desk=desk) as venue:
    desk.lock(*venue.account_keys.values())
    for number in range(40):
        side, account = (Side.BUY, "primary") if number % 2 else (Side.SELL, "counterparty")
        price = Decimal("100.00") if side is Side.BUY else Decimal("900.00")
        venue.place(Terms(account=account, market="BTC-USDT", side=side, quantity=Decimal("0.1"), price=price))
    print("placed", flush=True)
    time.sleep(60)
"""


def test_what_a_killed_run_left_is_swept_and_nothing_else(tmp_path: Path, state: Path) -> None:
    """After kill -9 with 40 open orders, a sweep leaves none of them, and leaves an order that is not ours."""
    with ExchangeProcess() as exchange:
        lines = ['extends = "embedded"', "[target]", f'base_url = "{exchange.base_url}"']
        for name in ("primary", "counterparty"):
            (tmp_path / f"{name}.pem").write_bytes(exchange.accounts[name].private_pem)
            key_id = exchange.accounts[name].key_id
            lines += [f"[accounts.{name}]", f'key_id = "{key_id}"', f'private_key = {{ file = "{name}.pem" }}']
        target = tmp_path / "target.toml"
        target.write_text("\n".join(lines))
        profile = load_profile(target)
        terms = Terms(
            account="primary", market="BTC-USDT", side=Side.BUY, quantity=Decimal("0.1"), price=Decimal("100.00")
        )
        with Venue(profile) as stranger:
            foreign = stranger.place(terms).order_id
            child = subprocess.Popen(
                [sys.executable, "-c", RUN, str(target)], stdout=subprocess.PIPE, cwd=Path(__file__).parents[2]
            )
            assert child.stdout is not None
            assert child.stdout.readline() == b"placed\n"
            child.kill()
            child.communicate()
            # The stranger's own journal would make its order one of ours.
            stranger.closed(str(foreign))
            report = sweep(profile)
            assert report.clean
            assert len(report.cancelled) == 40
            left = [view.order_id for role in stranger.accounts for view in stranger.orders(role).views or ()]
            assert left == [foreign]
    assert list(state.rglob("orders-*")) == []
