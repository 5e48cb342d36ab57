"""The text of a new target profile: what was asked for, and what else could be said, as comments."""

import json
import re
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields, replace
from decimal import Decimal, InvalidOperation
from importlib.resources import files
from typing import Any, Final

from conformance.errors import UserError
from fixtures.profiles import bundled_profiles


@dataclass(frozen=True, kw_only=True, slots=True)
class Wishes:
    """What the profile shall say; ``None`` where nobody has said it. Amounts are decimal text."""

    dialect: str | None = None
    name: str | None = None
    environment: str | None = None
    base_url: str | None = None
    key_id: str | None = None
    private_key: str | None = None
    second_key_id: str | None = None
    second_private_key: str | None = None
    market: str | None = None
    tick: str | None = None
    step: str | None = None
    max_quantity: str | None = None
    rest_price: str | None = None
    rest_price_sell: str | None = None
    maker_fee: str | None = None
    taker_fee: str | None = None
    requests_per_second: float | None = None


FOREIGN: Final = ("dialect", "name", "environment", "base_url")
"""What a copy of a complete profile is asked for; the rest of it is edited where it stands."""

QUESTIONS: Final[dict[str, tuple[str, str | None]]] = {
    "dialect": ("Which bundled profile comes closest", "documented"),
    "name": ("What shall reports call the target", "our staging"),
    "environment": ("Is it staging, sandbox or production", "staging"),
    "base_url": ("Where does it listen", None),
    "key_id": ("API key of the primary account", None),
    "private_key": ("File of its RSA private key (PEM)", "primary.pem"),
    "second_key_id": ("API key of a second account, empty where there is none", ""),
    "second_private_key": ("File of its RSA private key (PEM)", "counterparty.pem"),
    "market": ("A market to trade in, as BASE-QUOTE", "BTC-USDT"),
    "tick": ("Its price increment", "0.01"),
    "step": ("Its quantity increment, which is taken for the smallest quantity too", "0.00001"),
    "max_quantity": ("The largest quantity to use in an order", None),
    "rest_price": ("A price far from the market, at which a buy order rests", None),
    "rest_price_sell": ("A price at which a sell order rests, empty where nobody else trades in this market", ""),
    "maker_fee": ("Maker fee, as a rate of the notional", "0"),
    "taker_fee": ("Taker fee, as a rate of the notional", "0"),
    "requests_per_second": ("Requests per second that the target can take from us", "20"),
}

_AMOUNTS: Final = ("tick", "step", "max_quantity", "rest_price", "rest_price_sell", "maker_fee", "taker_fee")
_OPTIONAL: Final = frozenset({"second_key_id", "second_private_key", "rest_price_sell"})


Ask = Callable[[str, str, str | None], str]
"""Answers a question: the name of the wish, the question in words, and the default where there is one."""


def complete(given: Wishes) -> Wishes:
    """The wishes with defaults where there is one. Raises ``UserError`` naming the flags that are missing."""

    def default(name: str, _text: str, value: str | None) -> str:
        if value is None:
            raise KeyError(name)
        return value

    missing = []
    for name in fields(given):
        try:
            _checked(given, name.name, default)
        except KeyError:
            missing.append(name.name)
    if missing:
        flags = ", ".join(f"--{name.replace('_', '-')}" for name in missing)
        raise UserError(f"Nobody is there to be asked: expected also {flags}. A terminal would be asked instead.")
    return filled(given, default)


def filled(given: Wishes, ask: Ask) -> Wishes:
    """The wishes with what ``ask`` answers for those that are missing. Raises ``UserError`` for what cannot be used."""
    wishes = given
    for name in fields(given):
        wishes = replace(wishes, **{name.name: _checked(wishes, name.name, ask)})
    return wishes


def _checked(wishes: Wishes, name: str, ask: Ask) -> Any:
    """The value of one wish, asked for where it is needed and not there; raises ``UserError`` for an unusable one."""
    value: Any = getattr(wishes, name)
    foreign = wishes.dialect not in (None, "documented")
    alone = name == "second_private_key" and not wishes.second_key_id
    if value is None and not (foreign and name not in FOREIGN) and not alone:
        value = ask(name, *QUESTIONS[name])
    if value is None or (value == "" and name in _OPTIONAL):
        return None
    flag = f"--{name.replace('_', '-')}"
    if name in _AMOUNTS:
        try:
            amount = Decimal(value)
        except InvalidOperation:
            raise UserError(f"{flag}: expected a decimal number such as 0.01, found {value!r}") from None
        rebate = name == "maker_fee" and amount > -1
        if not amount.is_finite() or (amount < 0 and not rebate):
            raise UserError(f"{flag}: expected a decimal number that is not negative, found {value!r}")
    if name == "requests_per_second":
        return float(value)
    if name == "dialect" and value not in known_dialects():
        raise UserError(f"{flag}: expected one of {', '.join(known_dialects())}, found {value!r}")
    if name == "market" and str(value).count("-") != 1:
        raise UserError(f"{flag}: expected BASE-QUOTE, such as BTC-USDT, found {value!r}")
    return value


def known_dialects() -> tuple[str, ...]:
    """The bundled profiles that a new one can start from."""
    return tuple(name for name in bundled_profiles() if name != "embedded")


def extending(wishes: Wishes) -> str:
    """A profile that extends the documented dialect."""
    from jinja2 import Environment, StrictUndefined

    writer = Environment(trim_blocks=True, undefined=StrictUndefined, keep_trailing_newline=True, autoescape=False)  # noqa: S701 - TOML, not HTML: values are quoted by the filter
    writer.filters["quoted"] = _quoted
    template = files("conformance.application").joinpath("target.toml.jinja").read_text(encoding="utf-8")
    base, quote = str(wishes.market).split("-")
    return writer.from_string(template).render(**asdict(wishes), base=base, quote=quote)


def copied(wishes: Wishes) -> str:
    """A complete bundled profile with the target's own table; the rest is edited where it stands."""
    text = files("fixtures.profiles").joinpath(f"{wishes.dialect}.toml").read_text(encoding="utf-8")
    for key, value in (("name", wishes.name), ("environment", wishes.environment), ("base_url", wishes.base_url)):
        line = f"{key} = {_quoted(value)}".replace("\\", r"\\")
        text = re.sub(rf"^{key} = .*$", line, text, count=1, flags=re.MULTILINE)
    return (
        f"# Started from the bundled profile `{wishes.dialect}`: change every line that your venue says otherwise.\n"
        "# Check it against the live target with: cancel-conformance doctor --target THIS-FILE\n\n" + text
    )


def _quoted(text: str | None) -> str:
    """A TOML basic string; JSON's escapes are among TOML's."""
    return json.dumps(text or "", ensure_ascii=False)
