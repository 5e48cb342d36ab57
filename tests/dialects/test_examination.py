"""An examination finds a fitting profile fitting in every dialect, and names the lines where a profile does not fit."""

from collections.abc import Mapping
from typing import Any

import pytest

from conformance.examination.checks import Check
from conformance.examination.whole import Examination
from conformance.requirements import Capability
from fixtures.embedded import embedded_target
from fixtures.exchange import CancelMode, Imperfections, LockModel, RejectedOrders
from fixtures.exchange.dialects import DIALECTS, dialect_settings
from fixtures.profiles import load_profile


def examined(dialect: str, tables: Mapping[str, Any] | None = None, **changes: Any) -> tuple[Examination, list[Check]]:
    """An examination and its checks; afterwards no order of it is active or executing."""
    chosen = {"cancel_mode": CancelMode.DELAYED, "delay_ms": (60, 90), **changes}
    settings = dialect_settings(dialect, **chosen)
    with embedded_target(settings, tables) as (profile, exchange):
        examination = Examination(profile)
        checks = list(examination.checks())
        if settings.control:
            orders = exchange.control.state()["orders"]
            assert not {"submitted", "partiallyfilled", "pendingcancel", "pendingsubmit"} & set(orders)
    return examination, checks


def failures(checks: list[Check]) -> list[tuple[str, str]]:
    """Name and detail of each check that failed."""
    return [(check.name, check.detail) for check in checks if check.outcome == "failed"]


def lines(checks: list[Check]) -> list[tuple[str, ...]]:
    """The profile lines that were suggested."""
    return [check.lines for check in checks if check.lines]


@pytest.mark.parametrize("dialect", ["documented", *DIALECTS])
def test_a_fitting_profile_passes(dialect: str) -> None:
    """No check fails, pending cancels are waited for, and each driver of the profile is tried."""
    examination, checks = examined(dialect)
    assert failures(checks) == []
    assert "PENDING_CANCEL" in examination.words.values()
    tried = {check.name for check in checks if check.outcome == "ok"}
    assert {"reach", "keys", "clock", "place", "read", "cancel", "over", "refusals", "fill", "nothing left"} <= tried


def test_words_on_the_way_to_the_end_are_told_apart() -> None:
    """Of the unknown words after a cancel the last one means CANCELED, one before it PENDING_CANCEL."""
    words = {"OPEN": ["submitted"], "FILLED": ["filled"], "CANCELED": ["canceled"]}
    _, checks = examined("documented", {"vocabulary": {"status": words}})
    suggested = lines(checks)
    assert ("[vocabulary.status]", 'PENDING_CANCEL = ["pendingcancel"]') in suggested
    assert ("[vocabulary.status]", 'CANCELED = ["canceled", "cancelled"]') in suggested
    assert ("[vocabulary.status]", 'PARTIALLY_FILLED = ["partiallyfilled"]') in suggested


@pytest.mark.parametrize(
    ("tables", "suggested"),
    [
        ({"order": {"price": "/price"}}, ("[order]", 'price = "/px"')),
        ({"order": {"client_id": False}}, ("[order]", 'client_id = "/clientOrderId"')),
        ({"answers": {"unauthenticated": {"status": [403]}}}, ("[answers.unauthenticated]", "status = [401]")),
        ({"answers": {"malformed": {"status": [422]}}}, ("[answers.malformed]", "status = [400]")),
        ({"answers": {"cannot_cancel": {"status": [409]}}}, ("[answers.cannot_cancel]", "status = [400]")),
        ({"fees": {"maker": "0.0002"}}, ("[fees]", 'maker = "0.001"', 'charged = "quote"')),
        ({"lock": {"model": "spot", "fee_reserve": True}}, ("[lock]", 'model = "spot"', "fee_reserve = false")),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_a_line_that_is_wrong_is_put_right(tables: dict[str, Any], suggested: tuple[str, ...]) -> None:
    """The check that the line concerns suggests one that agrees with the target."""
    _, checks = examined("documented", tables, cancel_mode=CancelMode.IMMEDIATE)
    assert suggested in lines(checks)


def test_a_margin_rate_is_seen_at_the_first_order() -> None:
    """An order that locks a tenth of its notional is a margin order, of that rate."""
    wrong = {"lock": {"model": "margin", "rate": "0.5", "asset": "USDT"}}
    _, checks = examined("documented", wrong, lock_model=LockModel.MARGIN, margin_asset="USDT")
    assert ("[lock]", 'model = "margin"', 'rate = "0.1"', 'asset = "USDT"') in lines(checks)


def test_late_reads_are_measured() -> None:
    """Where the first reads do not show what happened, the delay that the profile must allow is suggested."""
    _, checks = examined(
        "documented", cancel_mode=CancelMode.IMMEDIATE, imperfections=Imperfections(stale_reads_ms=800)
    )
    assert any(found[0] == "[timing]" and found[1].startswith("read_delay = ") for found in lines(checks))


def test_ids_that_are_no_uuids_are_seen() -> None:
    """Serial ids make the suggestion that ids are opaque."""
    _, checks = examined("token", {"relaxations": {"order_id_form": "uuid7"}})
    assert ("[relaxations]", 'order_id_form = "opaque"') in lines(checks)


def test_a_rejected_order_without_an_id_is_seen() -> None:
    """A venue that refuses a crossing post-only order outright is not one for the reject driver."""
    _, checks = examined("documented", rejected_orders=RejectedOrders.NONE)
    found = [check for check in checks if check.name == "reject"]
    assert [check.outcome for check in found] == ["warning"]
    assert "leave out [drivers.reject]" in found[0].detail


@pytest.mark.parametrize(("open_orders", "outcome"), [(51, "warning"), (52, "skipped")])
def test_many_orders_are_not_tried_but_told_of(open_orders: int, outcome: str) -> None:
    """Whoever reads an examination knows that a run opens fifty orders at once, or that its limits forbid that."""
    _, checks = examined("documented", {"limits": {"open_orders": open_orders}}, cancel_mode=CancelMode.IMMEDIATE)
    ((seen, detail),) = [(check.outcome, check.detail) for check in checks if check.name == "many orders"]
    assert seen == outcome
    assert "ALL-06" in detail


@pytest.mark.parametrize("only", [{}, {"market": "ETH-EUR"}])
def test_an_empty_book_is_tried(only: Mapping[str, str]) -> None:
    """A market order that waits is seen waiting, a counter-order ends it, and nothing of either is left."""
    tables = {"drivers": {"hold_market": {"how": "empty-book", **only}}}
    _, checks = examined("documented", tables, market_orders_wait=True)
    found = [(check.outcome, check.detail) for check in checks if check.name == "hold_market"]
    assert [outcome for outcome, _ in found] == ["ok", "ok"]
    assert found[0][1].startswith("in an empty book: PENDING")
    assert found[1][1].startswith("after a counter-order: FILLED")
    assert failures(checks) == []


def test_an_empty_book_that_holds_nothing_is_seen() -> None:
    """Where a market order in an empty book ends at once, the driver is one too many."""
    _, checks = examined("documented", {"drivers": {"hold_market": {"how": "empty-book"}}})
    assert [(name, "leave out [drivers.hold_market]" in detail) for name, detail in failures(checks)] == [
        ("hold_market", True)
    ]


def test_a_word_for_waiting_is_suggested() -> None:
    """An unknown word of a market order in an empty book should mean PENDING; the order is ended all the same."""
    words = load_profile("documented").model_dump(mode="json")["vocabulary"]["status"]
    words = {**words, "PENDING": ["waiting"]}
    _, checks = examined("documented", {"vocabulary": {"status": words}}, market_orders_wait=True)
    assert ("[vocabulary.status]", 'PENDING = ["waiting", "pendingsubmit"]') in lines(checks)
    assert [name for name, _ in failures(checks)] == ["hold_market"]


def test_keys_that_do_not_work_end_the_examination() -> None:
    """Refused keys are said first, with what to look at; no order is placed with them."""
    wrong = {"authentication": {"payload": "{method} {target}"}}
    _, checks = examined("documented", wrong)
    names = [name for name, _ in failures(checks)]
    assert names == ["keys", "keys", "keys"]
    assert "authentication.payload" in failures(checks)[0][1]
    assert all(check.name != "place" for check in checks)


def test_the_gaps_name_requirements_and_tables() -> None:
    """What the profile leaves out is listed with what needs it and what would offer it."""
    examination, _ = examined("token")
    gaps = {gap.capability: gap for gap in examination.gaps()}
    assert gaps[Capability.EXPIRE].requirements == ("TRM-04",)
    assert "[operations.cancel_all]" in gaps[Capability.CANCEL_ALL].provided_by
    assert Capability.FILL not in gaps
