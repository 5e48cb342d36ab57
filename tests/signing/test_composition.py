"""The composition language: what a placeholder becomes, byte for byte, and what is no composition."""

import hashlib
from base64 import b64encode
from collections.abc import Mapping

import pytest

from fixtures.signing.composition import Composition, in_order

VALUES: Mapping[str, bytes] = {
    "method": b"POST", "path": b"/api/v1/x", "query": b"b=2&a=%C3%A9%20x",
    "body": b'{"b":1.50,"a":"y","n":{"z":[1,"q"]}}', "nothing": b"",
    "timestamp_s": b"1700000000", "raw": bytes(range(4)),
}  # fmt: skip


def _fill(source: str) -> bytes | None:
    return Composition(source).fill(VALUES.get, {"signed": lambda value: b"<" + value + b">"})


@pytest.mark.parametrize(
    ("source", "filled"),
    [
        ("{method}:{path}", b"POST:/api/v1/x"),
        ("{path}{raw|sha256}", b"/api/v1/x" + hashlib.sha256(bytes(range(4))).digest()),
        ("{body|sha512|hex}", hashlib.sha512(VALUES["body"]).hexdigest().encode()),
        ("{raw|hex|upper}", b"00010203"),
        ("{raw|base64}", b64encode(bytes(range(4)))),
        ("{raw|base64url}", b"AAECAw"),
        ("{path}{query|lead:?}{nothing|lead:?}", b"/api/v1/x?b=2&a=%C3%A9%20x"),
        ("{query|sorted}", b"a=%C3%A9%20x&b=2"),
        ("{query|decoded}", "b=2&a=é x".encode()),
        ("{query|escaped}", b"b%3D2%26a%3D%25C3%25A9%2520x"),
        ("{body|pairs}", b'a=y&b=1.50&n={"z":[1,"q"]}'),
        ("{body|form}", b"b=1.50&a=y&n=%7B%22z%22%3A%5B1%2C%22q%22%5D%7D"),
        ("{query|form}", VALUES["query"]),
        ("{body|member:n}", b'{"z":[1,"q"]}'),
        ("{body|concatenated}", b"ayb1.50nz1q"),
        ("{timestamp_s|plus:120}", b"1700000120"),
        ("{path|after:/api}", b"/v1/x"),
        ("{body|then:SHA512}", b"SHA512"),
        ("{{{method}}}", b"{POST}"),
        ("{method|signed|base64}", b64encode(b"<POST>")),
        ("{method|lower}\n", b"post\n"),
    ],
)
def test_what_a_composition_becomes(source: str, filled: bytes) -> None:
    """Texts stand as they are, names are looked up, filters act from left to right."""
    assert _fill(source) == filled


@pytest.mark.parametrize("source", ["{unknown}", "x{nothing|some}", "{nothing|some|sha512|hex}", "{nothing|then:x}"])
def test_what_has_no_value_is_absent(source: str) -> None:
    """A name without a value, or an empty one that must be some, makes the whole composition absent."""
    assert _fill(source) is None


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("{method", "expected placeholders like"),
        ("a}b", "expected placeholders like"),
        ("{}", "expected placeholders like"),
        ("{method|sha3}", "unknown filter"),
        ("{query|lead}", r"expected the filter as \|lead:"),
        ("{query|hex:2}", r"expected the filter as \|hex"),
        ("{timestamp_s|plus:soon}", "expected a whole number"),
    ],
)
def test_what_is_no_composition(source: str, message: str) -> None:
    """A mistake is told when the profile is read."""
    with pytest.raises(ValueError, match=message):
        Composition(source)


def test_numbers_of_claims_are_numbers() -> None:
    """``|number`` makes a JSON number of a value, and is the value itself in a text."""
    assert Composition("{timestamp_s|plus:1|number}").value(VALUES.get) == 1_700_000_001
    assert Composition("{timestamp_s}").value(VALUES.get) == "1700000000"


def test_parts_come_behind_those_that_they_speak_of() -> None:
    """Parts may use parts; going round in a circle is a mistake."""
    order = in_order({"a": Composition("{b}"), "b": Composition("{method}")})
    assert order.index("b") < order.index("a")
    with pytest.raises(ValueError, match="goes round in a circle"):
        in_order({"a": Composition("{b}"), "b": Composition("{a}")})
