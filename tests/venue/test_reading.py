"""What an answer means: classes, orders and balances, in every form that a dialect may use."""

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.model.order import OrderType, Side, Status, TimeInForce
from fixtures.profiles import Profile
from fixtures.venue import AnswerClass, BalanceView
from fixtures.venue.reading import (
    NOT_JSON,
    AnswerReader,
    BalancesReader,
    ListReader,
    as_decimal,
    exact_places,
    parse_json,
)

URL = "http://127.0.0.1:9"
ORDER: dict[str, Any] = {
    "id": "o-1", "symbol": "BTC-USDT", "type": "limit", "timeInForce": "gtd", "side": "sell", "qty": "1.50",
    "px": "100.1", "amountFilled": "0.5", "status": "partiallyfilled", "clientOrderId": "c-1", "createdAt": 1500,
}  # fmt: skip


@pytest.fixture
def reader(profile_at: Callable[..., Profile]) -> AnswerReader:
    """A reader of the documented dialect."""
    return AnswerReader(profile_at(URL))


@pytest.mark.parametrize(
    ("operation", "status", "expected"),
    [
        ("cancel", 400, {AnswerClass.CANNOT_CANCEL, AnswerClass.MALFORMED}),
        ("cancel", 404, {AnswerClass.NOT_FOUND}),
        ("cancel", 401, {AnswerClass.UNAUTHENTICATED}),
        ("cancel", 429, {AnswerClass.THROTTLED}),
        ("cancel", 418, {AnswerClass.REJECTED}),
        ("cancel", 500, {AnswerClass.SERVER_ERROR}),
        ("place", 400, {AnswerClass.REJECTED, AnswerClass.MALFORMED}),
        ("place", 404, {AnswerClass.REJECTED, AnswerClass.NOT_FOUND}),
        ("place", 409, {AnswerClass.REJECTED}),
        ("place", 401, {AnswerClass.UNAUTHENTICATED}),
    ],
)
def test_refusals_of_the_documented_dialect(
    reader: AnswerReader, operation: str, status: int, expected: set[AnswerClass]
) -> None:
    """A status belongs to all the classes that the profile gives it; a refused place is never cannot-cancel."""
    assert reader.classes(operation, status, str(status), {"error": {"code": status}}, False) == expected


def test_codes_tell_answers_of_one_status_apart(profile_at: Callable[..., Profile]) -> None:
    """A dialect that answers 200 to everything is read by its codes; an unnamed code refuses."""
    answers = {
        "code": ["/code"],
        "accepted": {"status": [200], "code": ["0"]},
        "cannot_cancel": {"status": [200], "code": [51400, "51401"]},
        "not_found": {"status": [200], "code": [51603]},
    }
    reader = AnswerReader(profile_at(URL, answers=answers))
    for code, expected in (
        ("0", AnswerClass.ACCEPTED),
        (51400, AnswerClass.CANNOT_CANCEL),
        ("51401", AnswerClass.CANNOT_CANCEL),
        (51603, AnswerClass.NOT_FOUND),
        ("7", AnswerClass.REJECTED),
    ):
        body = {"code": code}
        assert reader.classes("cancel", 200, reader.code(body), body, False) == {expected}


def test_an_older_form_of_errors_has_its_code_too(reader: AnswerReader) -> None:
    """The code is looked for in the profile's places in turn; a boolean is no code."""
    assert reader.code({"error": {"code": 404}}) == "404"
    assert reader.code({"error": 401, "message": "no"}) == "401"
    assert reader.code({"error": False}) is None
    assert reader.code(["error"]) is None


def test_an_order_is_read_whole(reader: AnswerReader) -> None:
    """Every term comes in canonical words and exact decimals, times in seconds."""
    view = reader.order(ORDER)
    assert view is not None
    assert (view.order_id, view.status, view.word) == ("o-1", Status.PARTIALLY_FILLED, "partiallyfilled")
    assert (view.side, view.type, view.time_in_force) == (Side.SELL, OrderType.LIMIT, TimeInForce.GTD)
    assert (view.executed, view.quantity, view.price) == (Decimal("0.5"), Decimal("1.50"), Decimal("100.1"))
    assert (view.market, view.client_id, view.created_at) == ("BTC-USDT", "c-1", 1.5)
    assert view.raw is ORDER


def test_what_was_executed_is_read_in_quote_units_too(reader: AnswerReader) -> None:
    """The value of the fills, their average price and the post-only flag are read where they are shown."""
    view = reader.order({**ORDER, "notionalFilled": "50.05", "averagePrice": "100.1", "postOnly": True})
    assert view is not None
    assert (view.value, view.average_price, view.post_only) == (Decimal("50.05"), Decimal("100.1"), True)
    bare = reader.order({**ORDER, "averagePrice": None, "postOnly": "yes"})
    assert bare is not None
    assert (bare.value, bare.average_price, bare.post_only) == (None, None, None)


def test_what_is_not_shown_is_none(reader: AnswerReader) -> None:
    """Missing terms, nulls, words of no vocabulary and numbers that are none do not become something else."""
    odd = {"id": 7, "status": "odd", "qty": "many", "px": None, "side": "up", "symbol": "??", "amountFilled": "NaN"}
    view = reader.order(odd)
    assert view is not None
    assert (view.order_id, view.status, view.word, view.market) == ("7", None, "odd", "??")
    assert (view.quantity, view.price, view.side, view.executed, view.created_at) == (None, None, None, None, None)


@pytest.mark.parametrize(
    "record", [None, [], "o-1", {}, {"id": "o-1"}, {"status": "filled"}, {"id": {}, "status": "x"}]
)
def test_a_record_without_id_or_status_is_no_order(reader: AnswerReader, record: object) -> None:
    """Without an id and a status word there is nothing to judge."""
    assert reader.order(record) is None


def test_one_word_for_two_statuses_is_told_by_the_executed_quantity(profile_at: Callable[..., Profile]) -> None:
    """Open and partially filled, filled and cancelled, may share a word; remaining quantity serves as well."""
    profile = profile_at(
        URL,
        vocabulary={"status": {
            "OPEN": ["live"], "PARTIALLY_FILLED": ["live"], "FILLED": ["done"], "CANCELED": ["done"],
        }},
        order={"id": "/id", "status": "/status", "quantity": "/qty", "remaining": "/left", "executed": False},
    )  # fmt: skip
    reader = AnswerReader(profile)
    found = {}
    for word, left in (("live", "2"), ("live", "1.5"), ("done", "0"), ("done", "1.5")):
        view = reader.order({"id": "x", "status": word, "qty": 2, "left": left})
        assert view is not None
        found[word, left] = (view.status, view.executed)
    assert found == {
        ("live", "2"): (Status.OPEN, Decimal(0)),
        ("live", "1.5"): (Status.PARTIALLY_FILLED, Decimal("0.5")),
        ("done", "0"): (Status.FILLED, Decimal(2)),
        ("done", "1.5"): (Status.CANCELED, Decimal("0.5")),
    }


@pytest.mark.parametrize(
    ("unit", "value", "seconds"),
    [
        ("s", 12, 12.0),
        ("us", "12000000", 12.0),
        ("ns", 12_000_000_000, 12.0),
        ("iso", "1970-01-01T00:00:12Z", 12.0),
        ("iso", "1970-01-01T00:00:12", 12.0),
        ("iso", "yesterday", None),
        ("ms", "soon", None),
    ],
)
def test_units_of_times(profile_at: Callable[..., Profile], unit: str, value: object, seconds: float | None) -> None:
    """Times are read in the profile's unit; nonsense is no time."""
    reader = AnswerReader(profile_at(URL, order={"created_at_unit": unit}))
    view = reader.order({**ORDER, "createdAt": value})
    assert view is not None
    assert view.created_at == seconds


def test_lists_of_either_form(profile_at: Callable[..., Profile]) -> None:
    """A list and a map by id give the same orders; one unreadable record makes the list unreadable."""
    plain = profile_at(URL)
    reader = ListReader(plain.operations.list, AnswerReader(plain))
    listed = reader.orders({"data": {"orders": [ORDER]}})
    assert listed is not None
    assert [view.order_id for view in listed] == ["o-1"]
    assert reader.orders({"data": {"orders": []}}) == ()
    assert reader.orders({"data": {"orders": [ORDER, {"id": "o-2"}]}}) is None
    assert reader.orders({"data": {}}) is None
    mapped = profile_at(URL, operations={**plain.operations.model_dump(mode="json", exclude_none=True), "list": {
        "method": "GET", "path": "/o", "orders": "", "form": "map",
    }})  # fmt: skip
    by_id = ListReader(mapped.operations.list, AnswerReader(mapped)).orders({"o-9": {**ORDER, "id": None}})
    assert by_id is not None
    assert [view.order_id for view in by_id] == ["o-9"]


@pytest.mark.parametrize(
    ("section", "document", "expected"),
    [
        pytest.param(
            {"balances": "/b", "asset": "/a", "available": "/free", "locked": "/held"},
            {"b": [{"a": "X", "free": "1.0", "held": 2}]},
            {"X": BalanceView(available=Decimal("1.0"), locked=Decimal(2))},
            id="list, free and held",
        ),
        pytest.param(
            {"form": "map", "available": "/free"}, {"X": {"free": "3"}}, {"X": BalanceView(available=Decimal(3))},
            id="map",
        ),
        pytest.param({"form": "map", "total": ""}, {"X": 5, "Y": "0.1"}, {
            "X": BalanceView(total=Decimal(5)), "Y": BalanceView(total=Decimal("0.1")),
        }, id="map of numbers"),
        pytest.param({"asset": "/a", "total": "/t"}, [{"a": "X", "t": 1}, {"a": "X", "t": 2}], None, id="asset twice"),
        pytest.param({"asset": "/a", "total": "/t"}, [{"t": 1}], None, id="record without an asset"),
        pytest.param({"asset": "/a", "total": "/t"}, {"X": 1}, None, id="map where a list is expected"),
        pytest.param({"form": "map", "total": ""}, [1], None, id="list where a map is expected"),
    ],
)  # fmt: skip
def test_balances_of_any_form(
    profile_at: Callable[..., Profile], section: dict[str, Any], document: object, expected: object
) -> None:
    """Lists and maps, records and bare numbers; what is not as the profile says is unreadable, not empty."""
    plain = profile_at(URL).operations.model_dump(mode="json", exclude_none=True)
    profile = profile_at(URL, operations={**plain, "balances": {"method": "GET", "path": "/b", **section}})
    assert BalancesReader(profile).balances(document) == expected


@pytest.mark.parametrize(
    ("value", "number"),
    [
        ("1.10", Decimal("1.10")), (3, Decimal(3)), (Decimal("0.1"), Decimal("0.1")), ("1e-3", Decimal("0.001")),
        ("", None), ("1,5", None), (True, None), (None, None), ("Infinity", None), (float("nan"), None), ([], None),
        ("1e60", Decimal("1e60")), ("-1e308", Decimal("-1e61")), (Decimal("1e-99"), Decimal("1e-61")),
        ("1." + "9" * 100, Decimal(2)), ("0e-99", Decimal(0)), ("9" * 5000, Decimal("1e61")),
        ("1e99999999999999999999", Decimal("1e61")), ("-1.5E-99999999999999999999", Decimal("-1e-61")),
        ("0.0e99999999999999999999", Decimal(0)), (Decimal("1e100000"), Decimal("1e61")), ("1e", None), ("e9", None),
    ],
    ids=lambda value: ascii(value)[:20] if isinstance(value, str | Decimal) else None,
)  # fmt: skip
def test_decimals(value: object, number: Decimal | None) -> None:
    """Only finite numbers and their texts are decimals; one that no amount can be stays wrong, within bounds."""
    assert as_decimal(value) == number


def test_json_keeps_decimals_exact() -> None:
    """A JSON number becomes the decimal that was written; what is not exactly one document is not JSON."""
    assert parse_json(' {"a": 0.10000000000000000001} ') == {"a": Decimal("0.10000000000000000001")}
    for text in ("", "{} {}", "{", "nonsense", "[" * 100_000, "9" * 5000, "NaN", '{"a": [-Infinity]}'):
        assert parse_json(text) is NOT_JSON


def test_a_number_beyond_arithmetic_is_kept_as_text() -> None:
    """An exponent that no decimal can hold is no reason to end a run."""
    assert parse_json('{"a": 1e99999999999999999999}') == {"a": "1e99999999999999999999"}


@given(
    document=st.recursive(st.text(st.characters()), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner))
)
def test_every_text_of_a_target_can_be_sent_and_written(document: object) -> None:
    """Half of a surrogate pair becomes U+FFFD; all else stays as it was."""
    text = json.dumps(document)
    read = parse_json(text)
    assert json.dumps(read, ensure_ascii=False).encode()
    whole = json.loads(text)
    try:
        json.dumps(whole, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        assert "\ufffd" in str(read)
    else:
        assert read == whole


@pytest.mark.parametrize(
    ("shown", "places"),
    [
        ("99.9951000000001", 8),
        ("0.0000999999999999994", 8),
        ("0.00000999999999995449", 8),
        ("0.30000000000000004", 8),
        ("1000000000.1234567", 4),
        ("931235.408640075", 8),
        ("0.123456789012", 15),
        ("1000000.00000001", 8),
        ("10000.5", 10),
    ],
)
def test_a_sum_of_binary_floating_point_is_known_by_its_noise(shown: str, places: int) -> None:
    """A JSON number of many digits is exact to eight places at most, one of few to 15 digits, a text to the last."""
    number = Decimal(shown)
    assert exact_places(number, number, None) == places
    assert exact_places(shown, number, None) is None
