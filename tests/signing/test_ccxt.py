"""Proof by a library that nobody here wrote: ccxt signs the same requests as the bundled profiles.

Time, nonces and keys are frozen, and nothing is sent: ccxt's ``fetch`` is caught. Method, URL, headers and body must be
the same. What may differ, and why it cannot matter, stands by name in ``EXCUSES``.
"""

import hashlib
import importlib
import importlib.util
import json
import sys
from base64 import b64decode, b64encode, urlsafe_b64decode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from types import ModuleType
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from joserfc import jwt
from joserfc.jwk import ECKey
from joserfc.jws import JWSRegistry

from conformance.model.order import OrderType, Side, Terms, TimeInForce
from fixtures.profiles import profile_from_data
from fixtures.signing.moments import Clock
from fixtures.venue import PreparedRequest, Venue
from fixtures.venue.signing import Signer
from tests.signing.samples import pem_of

NOW = 1_700_000_000_123
UUID = "11111111-2222-4333-8444-555555555555"
SECRET = b64encode(bytes(range(1, 33))).decode()
ORDER, CLIENT = "123456789", "cc1x1"
CLOCK = Clock(
    now=lambda: NOW / 1000, nonce=lambda: "f" * 32, uuid=lambda: UUID, count=lambda key, now, unit: NOW * unit // 1000
)

EXCUSES = {
    "broker": "a header or member by which ccxt marks its own orders",
    "bare type": "Content-Type on a request without a body says nothing (RFC 9110, section 8.3)",
    "empty body": "an empty JSON object where the operation has no parameters",
    "order": "the order of parameters, which is signed as it is sent",
    "random": "ECDSA is randomised: header and claims are compared, and the signature is verified",
    "shown body": "the body that stands in the header already, sent once more",
    "default": "a parameter that says what the venue does without it",
}


@dataclass(frozen=True, kw_only=True)
class Case:
    """A venue: its ccxt class, how that is told to behave, what it calls things, and what may differ."""

    ccxt: str
    host: str
    symbol: str = "BTCUSDT"
    options: Mapping[str, Any] = field(default_factory=dict)
    config: Mapping[str, Any] = field(default_factory=dict)
    key: Mapping[str, Any] = field(default_factory=lambda: {"secret": {"inline": SECRET}})
    fields: Mapping[str, Any] = field(default_factory=dict)
    verbs: tuple[str, ...] = ("place", "cancel", "cancel_all", "read", "list", "balances")
    marks: tuple[str, ...] = ()
    excuses: tuple[str, ...] = ()
    place: Mapping[str, Any] = field(default_factory=lambda: {"clientOrderId": CLIENT})
    more: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    prepare: Callable[[Any], None] = lambda exchange: None


PASSPHRASE = {"passphrase": {"inline": "open-sesame"}}
EC_KEY = ec.derive_private_key(1234567890, ec.SECP256R1())
EC_PEM = EC_KEY.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()).decode()


def _accounts(exchange: Any) -> None:
    exchange.load_account = exchange.load_trading_account = lambda *given, **named: "111"
    exchange.load_accounts = lambda *given, **named: [{"id": "111", "type": "spot", "code": None}]
    exchange.accounts = [{"id": "111", "type": "spot"}]


def _random_nonce(exchange: Any) -> None:
    exchange.nonce = lambda: "f" * 32


def _session(exchange: Any) -> None:
    _accounts(exchange)
    exchange.token = "session-token"
    exchange.handle_token = lambda *given, **named: "session-token"


def _orders_of_limits(exchange: Any) -> None:
    exchange.markets["BTC/USDT"]["info"] = {"orderTypes": ["LIMIT", "MARKET"]}


TOKEN = {"token": {"inline": SECRET}}
CASES: Mapping[str, Case] = {
    "binance-spot": Case(
        ccxt="binance", host="https://api.binance.com", excuses=("order", "default"), prepare=_orders_of_limits
    ),
    "mexc": Case(ccxt="mexc", host="https://api.mexc.com", marks=("source",), excuses=("bare type",)),
    "okx": Case(
        ccxt="okx", host="https://www.okx.com", fields=PASSPHRASE, marks=("x-simulated-trading",),
        options={"createOrder": "privatePostTradeOrder"}, verbs=("place", "cancel", "read", "list", "balances"),
    ),
    "bybit": Case(
        ccxt="bybit", host="https://api.bybit.com", marks=("referer",), excuses=("bare type",),
        options={"enableUnifiedMargin": False, "enableUnifiedAccount": True},
        more={"place": {"timeInForce": "GTC"}, "read": {"acknowledged": True}},
    ),
    "bitget": Case(
        ccxt="bitget", host="https://api.bitget.com", fields=PASSPHRASE, marks=("x-channel-api-code", "paptrading"),
        options={"uta": False},
    ),
    "gate": Case(
        ccxt="gate", host="https://api.gateio.ws/api/v4", excuses=("bare type",), options={"unifiedAccount": False},
        more={"place": {"timeInForce": "GTC"}}, verbs=("place", "cancel", "cancel_all", "read", "balances"),
    ),
    "kucoin": Case(
        ccxt="kucoin", host="https://api.kucoin.com", fields=PASSPHRASE,
        marks=("kc-api-partner", "kc-api-partner-sign", "kc-api-partner-verify"),
        options={"uta": False, "hf": True}, verbs=("place", "cancel", "cancel_all", "read"),
        more={"place": {"timeInForce": "GTC"}},
    ),
    "bitvavo": Case(
        ccxt="bitvavo", host="https://api.bitvavo.com/v2", fields={"operator_id": "7"}, options={"operatorId": 7},
        more={"place": {"timeInForce": "GTC"}},
    ),
    "coinbase-exchange": Case(
        ccxt="coinbaseexchange", host="https://api.exchange.coinbase.com", fields=PASSPHRASE,
        excuses=("bare type",), verbs=("place", "read", "list", "balances"), more={"place": {"timeInForce": "GTC"}},
    ),
    "kraken-futures": Case(
        ccxt="krakenfutures", host="https://futures.kraken.com/derivatives", excuses=("bare type",),
    ),
    "htx": Case(
        ccxt="htx", host="https://api.huobi.pro", fields={"account_id": "111"}, excuses=("bare type",),
        prepare=_accounts, verbs=("place", "cancel", "cancel_all", "read", "balances"),
    ),
    "gemini": Case(
        ccxt="gemini", host="https://api.gemini.com", config={"apiKey": "account-key-id"}, excuses=("shown body",),
        verbs=("place", "cancel", "read", "list", "balances"),
    ),
    "crypto-com": Case(
        ccxt="cryptocom", host="https://api.crypto.com/exchange/v1", excuses=("order",),
        verbs=("cancel", "cancel_all", "read", "list", "balances"),
    ),
    "deribit": Case(
        ccxt="deribit", host="https://www.deribit.com/api/v2", prepare=_random_nonce,
        verbs=("cancel", "read", "balances"),
    ),
    "alpaca": Case(
        ccxt="alpaca", host="https://api.alpaca.markets", key=TOKEN,
        verbs=("place", "cancel", "cancel_all", "read", "balances"),
    ),
    "backpack": Case(
        ccxt="backpack", host="https://api.backpack.exchange", marks=("x-broker-id",), place={},
        verbs=("place", "cancel", "cancel_all", "list", "balances"), more={"place": {"timeInForce": "GTC"}},
    ),
    "whitebit": Case(
        ccxt="whitebit", host="https://whitebit.com", excuses=("default",),
        verbs=("place", "cancel", "list", "balances", "cancel_all"),
    ),
    "upbit": Case(ccxt="upbit", host="https://api.upbit.com/v1", verbs=("place", "cancel", "read", "balances")),
    "bithumb": Case(
        ccxt="bithumb", host="https://api.bithumb.com", symbol="USDT-BTC", marks=("open-api-partner",),
        verbs=("place", "cancel", "read", "balances"),
    ),
    "revolut-x": Case(
        ccxt="revolutx", host="https://revx.revolut.com/api", key={"private_key": {"inline": pem_of("ed25519")}},
        config={"privateKey": pem_of("ed25519")},
    ),
    "bullish": Case(
        ccxt="bullish", host="https://api.exchange.bullish.com", fields={"trading_account": "111"}, prepare=_session,
        more={"place": {"timeInForce": "GTC"}}, verbs=("place", "cancel", "cancel_all"),
    ),
    "one-trading": Case(
        ccxt="onetrading", host="https://api.onetrading.com/fast/v1", key={"token": {"inline": "the-key-id"}},
    ),
    "blockchain-com": Case(
        ccxt="blockchaincom", host="https://api.blockchain.com/v3/exchange", key=TOKEN,
        verbs=("place", "cancel", "read", "list", "balances"), excuses=("bare type", "empty body"),
        more={"place": {"timeInForce": "GTC"}},
    ),
    "hitbtc": Case(
        ccxt="hitbtc", host="https://api.hitbtc.com/api/3", verbs=("read", "list", "balances"), excuses=("bare type",),
    ),
    "luno": Case(
        ccxt="luno", host="https://api.luno.com/api/1", key=TOKEN, verbs=("cancel", "read", "list", "balances")
    ),
    "coinbase-advanced": Case(
        ccxt="coinbase", host="https://api.coinbase.com", key={"private_key": {"inline": EC_PEM}},
        config={"secret": EC_PEM}, excuses=("random", "bare type"), verbs=("cancel", "read", "place"),
    ),
    "bitfinex": Case(
        ccxt="bitfinex", host="https://api.bitfinex.com", verbs=("cancel", "cancel_all", "list", "balances"),
    ),
    "kraken": Case(
        ccxt="kraken", host="https://api.kraken.com", more={"place": {"timeinforce": "GTC"}},
        verbs=("place", "cancel", "cancel_all", "list", "balances"),
    ),
    "bitstamp": Case(ccxt="bitstamp", host="https://www.bitstamp.net"),
}  # fmt: skip


class Caught(Exception):  # noqa: N818 - nothing went wrong
    """A request of ccxt, in place of an answer."""


def _client(case: Case) -> Any:
    """The ccxt client, frozen. Its package is not imported whole: that is a hundred modules."""
    if "ccxt" not in sys.modules:
        spec = importlib.util.find_spec("ccxt")
        assert spec is not None
        package = ModuleType("ccxt")
        package.__path__ = list(spec.submodule_search_locations or ())
        sys.modules["ccxt"] = package
    made = getattr(importlib.import_module(f"ccxt.{case.ccxt}"), case.ccxt)
    config = {"apiKey": "the-key-id", "secret": SECRET, "password": "open-sesame", **case.config}
    exchange = made(config)
    exchange.options.update(case.options)

    def fetch(url: str, method: str = "GET", headers: Any = None, body: Any = None) -> None:
        raise Caught(method, url, dict(headers or {}), body or "")

    exchange.fetch = fetch
    exchange.milliseconds = lambda: NOW
    exchange.microseconds = lambda: NOW * 1000
    exchange.seconds = lambda: NOW // 1000
    exchange.uuid = lambda *given: UUID
    exchange.random_bytes = lambda length: "f" * 32
    exchange.incrementing_nonce = lambda: NOW * 1000 if case.ccxt == "bitfinex" else NOW
    ticks = exchange.precisionMode == 4
    market = {
        "id": case.symbol, "symbol": "BTC/USDT", "base": "BTC", "quote": "USDT", "baseId": "BTC", "quoteId": "USDT",
        "settle": None, "type": "spot", "spot": True, "margin": False, "swap": False, "future": False, "option": False,
        "contract": False, "active": True, "linear": None, "inverse": None, "info": {},
        "precision": {"amount": 0.0001 if ticks else 4, "price": 1.0 if ticks else 4},
        "limits": {"amount": {"min": 0.0001}, "price": {}, "cost": {}},
    }  # fmt: skip
    exchange.set_markets([market])
    case.prepare(exchange)
    return exchange


def _theirs(case: Case, verb: str) -> tuple[str, str, dict[str, str | None], str]:
    exchange, more = _client(case), dict(case.more.get(verb, {}))
    calls: Mapping[str, Callable[[], Any]] = {
        "place": lambda: exchange.create_order("BTC/USDT", "limit", "buy", 0.01, 1000, {**case.place, **more}),
        "cancel": lambda: exchange.cancel_order(ORDER, "BTC/USDT", more),
        "cancel_all": lambda: exchange.cancel_all_orders("BTC/USDT", more),
        "read": lambda: exchange.fetch_order(ORDER, "BTC/USDT", more),
        "list": lambda: exchange.fetch_open_orders("BTC/USDT", None, None, more),
        "balances": lambda: exchange.fetch_balance(more),
    }
    with pytest.raises(Caught) as caught:
        calls[verb]()
    method, url, headers, body = caught.value.args
    return method, url, headers, body


def _ours(name: str, case: Case, verb: str, monkeypatch: pytest.MonkeyPatch) -> tuple[PreparedRequest, str]:
    account = {"key_id": case.config.get("apiKey", "the-key-id"), **case.key}
    if case.fields:
        account["fields"] = case.fields
    profile = profile_from_data(
        {
            "extends": name,
            "target": {"base_url": case.host},
            "accounts": dict.fromkeys(("primary", "counterparty"), account),
            "markets": {
                "BTC-USDT": {
                    "symbol": case.symbol, "base": "BTC", "quote": "USDT", "tick": "1", "step": "0.0001",
                    "min_quantity": "0.0001", "max_quantity": "10", "rest_price": "1000",
                }
            },
        }
    )  # fmt: skip
    opened = Signer.__init__

    def frozen(signer: Signer, *given: Any, **named: Any) -> None:
        opened(signer, *given, **{**named, "clock": CLOCK})
        signer.session = lambda: "session-token"

    monkeypatch.setattr(Signer, "__init__", frozen)
    monkeypatch.setattr(
        "fixtures.venue.client.Session", lambda *given: type("S", (), {"token": lambda self: "session-token"})()
    )
    with Venue(profile) as venue:
        if verb == "place":
            terms = Terms(
                account="primary", market="BTC-USDT", side=Side.BUY, type=OrderType.LIMIT, quantity=Decimal("0.01"),
                price=Decimal(1000), time_in_force=TimeInForce.GTC, client_id=_client_id(name),
            )  # fmt: skip
            return venue.prepare("primary", "place", terms=terms), case.host
        market = None if verb == "balances" else "BTC-USDT"
        order_id = ORDER if verb in ("cancel", "read") else None
        values: dict[str, Any] = {"order_id": order_id, "market": market}
        if verb == "list":
            request = venue._builder.build("primary", "list", venue._builder.list_targets(False, only="BTC-USDT")[0])
            return request, case.host
        return venue.prepare("primary", verb, **values), case.host


def _client_id(name: str) -> str:
    return {"coinbase-advanced": f"ccxt-{UUID}", "gate": f"t-{CLIENT}"}.get(name, CLIENT)


ROWS = [(name, verb) for name, case in CASES.items() for verb in case.verbs]


@pytest.mark.parametrize(("name", "verb"), ROWS)
def test_the_request_is_the_one_that_ccxt_signs(name: str, verb: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Method, URL, headers and body are equal, but for what the venue's row excuses."""
    case = CASES[name]
    method, url, headers, body = _theirs(case, verb)
    request, host = _ours(name, case, verb, monkeypatch)
    assert request.method == method
    mine = {key.lower(): value for key, value in request.headers if key.lower() not in ("accept", "user-agent")}
    other = {key.lower(): value for key, value in headers.items() if value and key.lower() != "accept"}
    parts = urlsplit(host)
    own_url, own_body = f"{parts.scheme}://{parts.netloc}{request.target}", request.body.decode()
    if "shown body" in case.excuses:
        assert own_body == ""
        body = ""
    body = "" if "empty body" in case.excuses and body == "{}" else body
    if "bare type" in case.excuses and not own_body:
        mine.pop("content-type", None)
        other.pop("content-type", None)
    for mark in case.marks:
        mine.pop(mark, None)
        other.pop(mark, None)
    if "random" in case.excuses:
        _same_token(mine.pop("authorization"), other.pop("authorization"))
    if "order" in case.excuses or "default" in case.excuses:
        _same_signed(case, (own_url, own_body, mine), (url, body, other))
        return
    assert (own_url, own_body) == (url, body)
    assert mine == other


def _same_token(mine: str, theirs: str) -> None:
    """Tokens whose signatures differ by chance alone."""
    for place in (0, 1):
        assert _part(mine, place) == _part(theirs, place)
    registry = JWSRegistry(algorithms=["ES256"], strict_check_header=False)
    for token in (mine, theirs):
        jwt.decode(token.removeprefix("Bearer "), ECKey.import_key(EC_PEM), registry=registry)


def _part(token: str, place: int) -> Any:
    text = token.removeprefix("Bearer ").split(".")[place]
    return json.loads(urlsafe_b64decode(text + "=" * (-len(text) % 4)))


DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    "binance": {"newOrderRespType": "FULL"},
    "whitebit": {"nonceWindow": False},
}


def _same_signed(case: Case, mine: tuple[str, str, dict[str, str]], theirs: tuple[str, str, dict[str, str]]) -> None:
    """Requests whose parameters are the same in another order: ccxt's own client makes our signature of ours."""
    exchange, left = _client(case), DEFAULTS.get(case.ccxt, {})
    signed = {"binance": "signature", "cryptocom": "sig"}.get(case.ccxt, "")

    def parameters(text: str) -> dict[str, Any]:
        found = json.loads(text) if text.startswith("{") else dict(parse_qsl(text))
        return {name: value for name, value in found.items() if name not in left and name != signed}

    assert urlsplit(mine[0])[:3] == urlsplit(theirs[0])[:3]
    for own, other in ((urlsplit(mine[0]).query, urlsplit(theirs[0]).query), (mine[1], theirs[1])):
        assert parameters(own) == parameters(other)
    if case.ccxt == "binance":
        text, _, signature = (mine[1] or urlsplit(mine[0]).query).rpartition("&signature=")
        assert signature == exchange.hmac(text.encode(), SECRET.encode(), hashlib.sha256)
        assert mine[2] == theirs[2]
    elif case.ccxt == "cryptocom":
        assert json.loads(mine[1])["sig"] == json.loads(theirs[1])["sig"]
    else:
        payload = mine[2]["x-txc-payload"]
        assert json.loads(b64decode(payload)) == json.loads(mine[1])
        assert mine[2]["x-txc-signature"] == exchange.hmac(payload.encode(), SECRET.encode(), hashlib.sha512)


def test_most_venues_are_proven() -> None:
    """At least twenty bundled profiles are proven, each with a cancel or a read, and every excuse has its reason."""
    assert len(CASES) >= 20
    assert all({"cancel", "read"} & set(case.verbs) for case in CASES.values())
    assert {excuse for case in CASES.values() for excuse in case.excuses} <= EXCUSES.keys()
