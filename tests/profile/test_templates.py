"""Templates: what stands in a path, a query and a body when values are filled in."""

import json
from decimal import Decimal
from typing import Any

import pytest

from fixtures.profiles.templates import Template, Value, compile_json, dump_json, names_in, render_json


@pytest.mark.parametrize(
    ("source", "values", "text"),
    [
        ("/orders/{order_id}/cancel", {"order_id": "x"}, "/orders/x/cancel"),
        ("{a}{b}", {"a": 1, "b": True}, "1true"),
        ("{q}", {"q": Decimal("1E+3")}, "1000"),
        ("{t|ms}", {"t": 1.5}, "1500"),
        ("{t|s}", {"t": 1.4}, "1"),
        ("{t|iso}", {"t": 0.25}, "1970-01-01T00:00:00.250+00:00"),
        ("{w|upper}-{w|lower}", {"w": "aB"}, "AB-ab"),
        ("{extra.instType}", {"extra.instType": "spot"}, "spot"),
        ("{absent}", {}, None),
        ("x{absent}", {}, None),
        ("plain", {}, "plain"),
    ],
)
def test_rendering(source: str, values: dict[str, Any], text: str | None) -> None:
    """Values stand as text without exponents; a text with an absent value is absent as a whole."""
    assert Template(source).render(values) == text


@pytest.mark.parametrize("source", ["{", "a}", "{}", "{a b}", "{a|nofilter}", "{{a}}"])
def test_broken_templates_are_refused(source: str) -> None:
    """A brace that is no placeholder and a filter that does not exist are errors when a profile is loaded."""
    with pytest.raises(ValueError, match=r"expected placeholders|unknown filter"):
        Template(source)


def test_a_body_keeps_types_and_leaves_out_what_is_absent() -> None:
    """Decimals are text unless a number is asked for; booleans and integers stay; absent members vanish."""
    compiled = compile_json(
        {
            "text": "{q}", "number": "{q|number}", "flag": "{flag}", "count": "{count}", "gone": "{absent}",
            "deep": {"list": ["{q}", "{absent}", 1, None], "fixed": False},
        }
    )  # fmt: skip
    values: dict[str, Value] = {"q": Decimal("0.10"), "flag": False, "count": 7}
    assert set(names_in(compiled)) == {"q", "flag", "count", "absent"}
    written = dump_json(render_json(compiled, values))
    assert '"number":0.10,' in written
    assert json.loads(written) == {
        "text": "0.10", "number": 0.1, "flag": False, "count": 7, "deep": {"list": ["0.10", 1], "fixed": False},
    }  # fmt: skip


def test_texts_are_escaped_as_json() -> None:
    """Quotes, backslashes and control characters of a value cannot break out of the body."""
    hostile = 'a"b\\c\n\u00e9'
    assert json.loads(dump_json(render_json(compile_json({"k": "{v}"}), {"v": hostile}))) == {"k": hostile}
