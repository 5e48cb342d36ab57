"""Who is let in at the honest exchange: the documented signature, nothing else, and before anything else."""

import base64
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS, PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA1, SHA256, SHA512

from fixtures.exchange.credentials import new_credential

if TYPE_CHECKING:
    from tests.exchange.conftest import Floor, Trader

BALANCE = "/api/v1/accounts/balance"


def _flipped(signature: str) -> str:
    raw = bytearray(base64.b64decode(signature))
    raw[100] ^= 1
    return base64.b64encode(raw).decode()


FLAWS: dict[str, Callable[["Trader", str, dict[str, str]], dict[str, str]]] = {
    "no headers": lambda trader, payload, headers: {},
    "no key": lambda trader, payload, headers: headers | {"X-API-Key": ""},
    "unknown key": lambda trader, payload, headers: headers | {"X-API-Key": "key-0000000000000000"},
    "key with a blank inside": lambda trader, payload, headers: headers | {"X-API-Key": "key 1"},
    "no signature": lambda trader, payload, headers: headers | {"X-API-Signature": ""},
    "one bit flipped": lambda trader, payload, headers: headers | {
        "X-API-Signature": _flipped(headers["X-API-Signature"])
    },
    "truncated": lambda trader, payload, headers: headers | {"X-API-Signature": headers["X-API-Signature"][:-4]},
    "not base64": lambda trader, payload, headers: headers | {"X-API-Signature": "!" * 344},
    "spare bits set": lambda trader, payload, headers: headers | {
        "X-API-Signature": headers["X-API-Signature"][:-3] + chr(ord(headers["X-API-Signature"][-3]) + 1) + "=="
    },
    "without padding": lambda trader, payload, headers: headers | {
        "X-API-Signature": headers["X-API-Signature"].rstrip("=")
    },
    "zeros": lambda trader, payload, headers: headers | {
        "X-API-Signature": base64.b64encode(bytes(256)).decode()
    },
    "another payload": lambda trader, payload, headers: headers | {"X-API-Signature": trader.sign(payload + "x")},
    "another method": lambda trader, payload, headers: headers | {
        "X-API-Signature": trader.sign(payload.replace("GET", "POST"))
    },
    "SHA-1": lambda trader, payload, headers: headers | {
        "X-API-Signature": base64.b64encode(
            trader.key.sign(payload.encode(), PKCS1v15(), SHA1())  # noqa: S303  # the flaw itself
        ).decode()
    },
    "SHA-512": lambda trader, payload, headers: headers | {
        "X-API-Signature": base64.b64encode(trader.key.sign(payload.encode(), PKCS1v15(), SHA512())).decode()
    },
    "PSS": lambda trader, payload, headers: headers | {
        "X-API-Signature": base64.b64encode(
            trader.key.sign(payload.encode(), PSS(MGF1(SHA256()), 32), SHA256())
        ).decode()
    },
}  # fmt: skip


@pytest.mark.parametrize("flaw", FLAWS)
def test_a_flawed_signature_is_refused(floor: "Floor", flaw: str) -> None:
    """Every flaw answers 401 with the same text, and a correct request is accepted before and after."""
    trader = floor.primary
    assert trader.call("GET", BALANCE)[0] == 200
    headers = FLAWS[flaw](trader, f"GET:{BALANCE}", trader.headers("GET", BALANCE))
    status, document = trader.send("GET", BALANCE, headers=headers)
    assert status == 401
    assert document["error"]["message"] == "Authentication failed"
    assert set(document) == {"error", "timestamp", "requestId"}
    assert trader.call("GET", BALANCE)[0] == 200


def test_every_form_of_header_name_is_read(floor: "Floor") -> None:
    """Header names have no case."""
    headers = {name.upper(): value for name, value in floor.primary.headers("GET", BALANCE).items()}
    assert floor.primary.send("GET", BALANCE, headers=headers)[0] == 200
    headers = {name.lower(): value for name, value in headers.items()}
    assert floor.primary.send("GET", BALANCE, headers=headers)[0] == 200


def test_keys_of_others_do_not_sign_for_an_account(floor: "Floor") -> None:
    """Another account's key under this key id, an unregistered and a revoked key are refused; a stranger is himself."""
    payload = f"GET:{BALANCE}"
    stranger, revoked = floor.process.stranger, floor.process.revoked
    url = floor.process.base_url
    trader_type = type(floor.primary)
    unregistered = new_credential()
    crossed = {"X-API-Key": floor.primary.key_id, "X-API-Signature": floor.third.sign(payload)}
    assert floor.primary.send("GET", BALANCE, headers=crossed)[0] == 401
    answers = []
    for credential in (revoked, unregistered, stranger):
        trader = trader_type(url, credential.key_id, credential.private_pem)
        answers.append(trader.call("GET", BALANCE)[0])
        trader.connection.close()
    assert answers == [401, 401, 200]


def test_a_doubled_header_is_refused(floor: "Floor") -> None:
    """Two keys or two signatures are one too many, even where both are right."""
    good = floor.primary.headers("GET", BALANCE)
    for name in good:
        connection = floor.primary.connection
        connection.putrequest("GET", BALANCE)
        for header, value in (*good.items(), (name, good[name])):
            connection.putheader(header, value)
        connection.endheaders()
        answer = connection.getresponse()
        answer.read()
        assert (name, answer.status) == (name, 401)


def test_query_and_body_are_bound(floor: "Floor") -> None:
    """A signature holds for the query and the parameters that were signed, and for no others."""
    trader = floor.primary
    listing = "/api/v1/orders?instType=spot"
    assert trader.send("GET", listing, headers=trader.headers("GET", "/api/v1/orders"))[0] == 401
    assert trader.send("GET", listing, headers=trader.headers("GET", listing))[0] == 200
    ticket = trader.ticket()
    signed = trader.headers("POST", "/api/v1/orders", ticket)
    altered = '{"symbol":"BTC-USDT","instType":"spot","side":"buy","orderType":"limit","qty":"2","px":"100"}'
    assert trader.send("POST", "/api/v1/orders", altered, signed)[0] == 401
    assert trader.send("POST", "/api/v1/orders", b"not json", signed)[0] == 401
    assert trader.listed("includeClosed=true") == []
    order = trader.place()
    cancel = f"/api/v1/orders/{order}/cancel"
    assert trader.send("POST", cancel, '{"x":"1"}', trader.headers("POST", cancel))[0] == 401
    assert trader.status(order) == "submitted"


def test_nulls_are_left_out_and_numbers_signed_as_written(floor: "Floor") -> None:
    """A null in the body is no part of the payload; a number is signed in its own digits."""
    trader = floor.primary
    parameters = trader.ticket() | {"clientOrderId": None, "postOnly": False}
    assert trader.call("POST", "/api/v1/orders", parameters)[0] == 200
    soon = trader.ticket(timeInForce="gtd", cancelAt=9_999_999_999_999)
    assert trader.call("POST", "/api/v1/orders", soon)[0] == 200


@pytest.mark.parametrize("body", [b"not json", b"[1]", b'{"a":"1","a":"1"}', b"\xff", b"[" * 100_000])
def test_a_body_that_is_no_object_is_refused_once_the_caller_is_known(floor: "Floor", body: bytes) -> None:
    """401 without a signature, 400 with one over method and path; never an effect and never a 5xx."""
    trader = floor.primary
    assert trader.send("POST", "/api/v1/orders", body)[0] == 401
    status, document = trader.send("POST", "/api/v1/orders", body, trader.headers("POST", "/api/v1/orders"))
    assert (status, document["error"]["details"].partition(":")[0]) == (400, "MALFORMED_BODY")


def test_authentication_comes_before_everything_else(floor: "Floor") -> None:
    """Without a signature an existing, a foreign, an unknown, a malformed id and an unknown path answer alike."""
    mine, foreign = floor.primary.place(), floor.third.place()
    paths = [f"/api/v1/orders/{name}/cancel" for name in (mine, foreign, "01890a5d-ac96-774b-bcce-b302099a8057", "x")]
    answers = []
    for path in (*paths, "/nowhere", "/_control/state", "/api/v1/orders/cancel-all"):
        status, document = floor.primary.send("POST", path)
        answers.append((status, document["error"]["message"], document["error"]["details"]))
    assert len(set(answers)) == 1
    assert answers[0][0] == 401
    assert floor.primary.status(mine) == floor.third.status(foreign) == "submitted"
