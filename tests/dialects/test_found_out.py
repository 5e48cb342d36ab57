"""What an examination finds out about venues that differ honestly, from a profile that says nothing of it."""

import tomllib
from decimal import Decimal
from typing import cast

import pytest

from conformance.examination.checks import Check, Examined
from conformance.examination.funds import Funds, lock_check
from conformance.examination.whole import Examination
from conformance.model.order import Side
from fixtures import embedded
from fixtures.embedded import embedded_target
from fixtures.exchange import CancelMode, ExchangeSettings
from fixtures.profiles import profile_from_data
from fixtures.variants.documented import operation
from fixtures.venue import BalanceView
from fixtures.venue.client import Venue

PLAIN = {"extends": "embedded", "target": {"base_url": "http://127.0.0.1:1", "environment": "embedded"}}


def examined(*variants: str, faults: tuple[str, ...] = ()) -> list[Check]:
    """The checks of an exchange of these variants and faults, by the profile that describes them."""
    settings = ExchangeSettings(cancel_mode=CancelMode.IMMEDIATE, variants=variants, faults=faults, seed=1)
    with embedded_target(settings) as (profile, _):
        return list(Examination(profile).checks())


def found_in(checks: list[Check]) -> list[tuple[str, ...]]:
    """The lines of all checks; each must be such that a profile with it loads."""
    found = [check.lines for check in checks if check.lines]
    for lines in found:
        tables = tomllib.loads("\n".join(lines))
        for name, changes in tables.get("operations", {}).items():
            tables["operations"] = operation(name, **changes)  # whose lines are put into the table that is there
        profile_from_data(PLAIN | tables, name=" ".join(lines))
    return found


FOUND = [
    # (variant, the table, and how the line in it begins)
    ("trades-at-the-takers-price", "[matching]", 'trade_price = "taker"'),
    ("trades-at-the-middle-price", "[matching]", 'trade_price = "middle"'),
    ("trades-at-the-sellers-price", "[matching]", 'trade_price = "seller"'),
    ("trades-at-the-buyers-price", "[matching]", 'trade_price = "buyer"'),
    ("makers-by-price-alone", "[matching]", 'priority = "price"'),
    ("makers-by-account", "[matching]", 'priority = "price"'),
    ("partly-filled-go-behind", "[matching]", 'priority = "price"'),
    ("dust-is-cancelled", "[matching]", "dust = 2"),
    ("market-orders-take-300-ms", "[timing]", "market_order_delay = 0."),
    ("late-fills", "[timing]", "fill_delay = 0."),
    ("list-lags-behind-reads", "[timing]", "list_delay = 0."),
    ("async-cancels", "[timing]", "cancel_delay = 0."),
    ("cancelled-are-purged", "[order]", 'purged = ["CANCELED"]'),
    ("no-ioc", "[vocabulary]", 'time_in_force = { gtc = "gtc", gtd = "gtd" }'),
    ("no-gtd", "[vocabulary]", 'time_in_force = { gtc = "gtc", ioc = "ioc" }'),
    ("no-market-orders", "[vocabulary]", 'type = { limit = "limit" }'),
    ("fee-reserve", "[lock]", 'model = "spot"'),
    ("fee-reserve-in-the-other-asset", "[lock]", 'fee_reserve = "quote"'),
    ("fees-in-the-received-asset", "[fees]", 'charged = "received"'),
    ("fees-in-the-given-asset", "[fees]", 'charged = "unknown"'),
    ("flat-fees", "[fees]", 'charged = "unknown"'),
    ("foreign-order-is-403", "[relaxations]", "foreign_order_differs = true"),
    ("codes-with-ids-and-amounts", "[answers.not_found]", 'pattern = ["NO_ORDER_.*"]'),
    ("list-of-everything", "[operations.list]", 'shows = "all"'),
    ("serial-ids", "[relaxations]", 'order_id_form = "opaque"'),
    ("pending-202-then-200", "[answers.pending]", "status = [202]"),
]


@pytest.mark.parametrize(("variant", "table", "line"), FOUND, ids=[name for name, *_ in FOUND])
def test_what_a_venue_does_is_found_out(variant: str, table: str, line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The lines that describe the venue are suggested, and every suggested line loads."""
    monkeypatch.setattr(embedded, "profile_tables", lambda *_: {})
    found = found_in(examined(variant))
    assert any(table in lines and any(one.startswith(line) for one in lines) for lines in found), found


DESCRIBED = [name for name, *_ in FOUND] + ["binary-floating-point", "two-lists", "rounds-to-8-places"]


@pytest.mark.parametrize("variant", DESCRIBED)
def test_a_venue_that_is_described_has_nothing_to_put_right(variant: str) -> None:
    """With the profile of such a venue no check fails."""
    assert [(check.name, check.detail) for check in examined(variant) if check.outcome == "failed"] == []


def test_a_cancel_of_another_accounts_order_is_called_that() -> None:
    """Where it is accepted a run will say so (NTF-02); that both are keys of one account is the second thought."""
    (told,) = [check for check in examined(faults=("foreign-cancellable",)) if "another account's" in check.detail]
    assert told.outcome == "warning"
    assert "NTF-02" in told.detail
    assert told.lines == ()


def test_a_refused_cancel_is_not_made_an_accepted_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """No line is suggested under which a status that says refused would be acceptance."""
    monkeypatch.setattr(embedded, "profile_tables", lambda *_: {})
    checks = examined("market-in-every-request")
    assert [check.lines for check in checks if check.name == "cancel"] == [()]


LOCKS = [
    # (available and locked before and after a buy of 1 at 1000, what is told, the lines)
    (("5000", "0"), ("5000", "0"), "FND-02", ()),
    (("5000", "0"), ("6000", "-1000"), "more is free than before", ()),
    (("5000", "0"), ("4000", "1000"), "as model", ()),
    (("5000", "0"), ("4900", "100"), "profile says", ("[lock]", 'model = "margin"', 'rate = "0.1"', 'asset = "USDT"')),
    (("5000", "0"), ("2000", "3000"), "cannot call wrong (FND-02)", ("[lock]", 'model = "observed"')),
]


@pytest.mark.parametrize(("before", "after", "told", "lines"), LOCKS)
def test_no_line_explains_a_bug_away(
    before: tuple[str, str], after: tuple[str, str], told: str, lines: tuple[str, ...]
) -> None:
    """Where nothing is locked, or less than nothing, no lock model is suggested; what learning hides is said."""
    one = Examined(profile=profile_from_data(PLAIN, name="plain"), venue=cast("Venue", None), market="BTC-USDT")
    terms = one.terms(Side.BUY, Decimal(1))
    check = lock_check(one, terms, funds(*before), funds(*after))
    assert told in check.detail
    assert check.lines == lines


def funds(available: str, locked: str) -> Funds:
    """What an account has of the quote."""
    return {"USDT": BalanceView(available=Decimal(available), locked=Decimal(locked))}
