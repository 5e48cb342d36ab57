"""What answers give away: insides are found in the words of many platforms, and innocent answers are left alone."""

import json

import pytest

from conformance.judging.insides import insides
from fixtures.venue.answers import Exchange, Headers

PEM = (
    "-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAu1SU1LfVLPHCozMxH2Mo4lgOEePzNm0tRgeLezV6\n"
)

GIVEN_AWAY = {
    "python": ("a stack trace", 'Traceback (most recent call last):\n  File "/srv/app/auth.py", line 8, in verify\n'),
    "java": ("a stack trace", "java.lang.Exception\n\tat com.venue.Verifier.verify(Verifier.java:88)"),
    "java, native": ("a stack trace", "x\n\tat sun.reflect.GeneratedMethod.invoke(Native Method)"),
    ".net": ("a stack trace", "   at Venue.Auth.Verify(String s) in C:\\src\\Auth.cs:line 42"),
    "node": ("a stack trace", "Error: no\n    at verify (/app/node_modules/auth/index.js:10:15)"),
    "go": ("a stack trace", "goroutine 12 [running]:\nmain.verify(0x0)\n\t/go/src/auth.go:42 +0x1d"),
    "rust": ("a stack trace", "thread 'main' panicked at src/auth.rs:4:5"),
    "ruby": ("a stack trace", "app/models/order.rb:12:in `find'"),
    "php": ("a stack trace", "Fatal error in /var/www/index.php on line 12"),
    "a path": ("a file path", "no such file: /etc/venue/keys.yaml"),
    "a path of windows": ("a file path", r"cannot open C:\\inetpub\\keys\\public.xml"),
    "a key file": ("a file path", "cannot read keys/registered.pem"),
    "a source line": ("a file path", "raised in auth/verify.py:88"),
    "select": ("SQL", "SELECT public_key FROM api_keys WHERE key_id = $1"),
    "insert": ("SQL", "insert into orders (id) values ('x')"),
    "update": ("SQL", "update orders set status = 'x'"),
    "postgres": ("SQL", 'ERROR: syntax error at or near "\'"'),
    "oracle": ("SQL", "ORA-01722: invalid number"),
    "sqlstate": ("SQL", "SQLSTATE[22P02]: invalid input syntax for type uuid"),
    "sqlalchemy": ("SQL", "sqlalchemy.exc.DataError: (psycopg2.DataError)"),
    "a public key": ("key material", PEM),
    "der": ("key material", "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKjMzEfYyjiWA4R4"),
    "ssh": ("key material", "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABgQ"),
}

INNOCENT = (
    "Order not found",
    "select one of limit, market from the list of order types",
    "update your client to a newer version",
    "delete is not allowed",
    "the path /api/v1/orders/01890a5d-ac96-774b-bcce-b302099a8057/cancel has no operation",
    "see https://docs.example.com/home/errors.php?code=4",
    "the order at 10.5 in BTC-USDT is cancelled",
    "MALFORMED_ORDER_ID: expected a UUID in lower case, 8-4-4-4-12",
    "at most 128 characters; the key is unknown",
    json.dumps({"clientOrderId": "cc-1f2e-77", "px": "1000.00", "createdAt": 1767225600000}),
)


def exchange(body: str, *, path: str = "/orders/1/cancel", headers: Headers = (), sent: Headers = ()) -> Exchange:
    """An exchange whose answer has this body."""
    return Exchange(
        method="POST",
        path=path,
        url_host="venue.example",
        request_headers=sent,
        request_body="",
        status=500,
        response_headers=headers,
        response_body=body,
        began=0.0,
        ended=0.1,
    )


@pytest.mark.parametrize("name", GIVEN_AWAY)
@pytest.mark.parametrize("as_json", [False, True])
def test_insides_are_found(name: str, *, as_json: bool) -> None:
    """Stack traces, file paths, SQL and key material are found, plain and with the escapes of JSON."""
    what, text = GIVEN_AWAY[name]
    body = json.dumps({"error": {"message": text}}) if as_json else text
    assert what in {found for found, _ in insides(exchange(body))}


@pytest.mark.parametrize("text", INNOCENT)
def test_innocent_answers_are_left_alone(text: str) -> None:
    """Ordinary messages, prices, links and ids give nothing away."""
    assert insides(exchange(text)) == []
    assert insides(exchange(json.dumps({"error": {"message": text}}))) == []


def test_an_echo_gives_nothing_away() -> None:
    """What the request itself said may be said back: in its path, its headers, encoded or not."""
    echoed = "no key is called ../../../../etc/passwd"
    assert insides(exchange("/etc/passwd is no id", path="/orders/..%2F..%2Fetc%2Fpasswd/cancel")) == []
    assert insides(exchange(echoed, sent=(("X-Key", "../../../../etc/passwd"),))) == []
    assert insides(exchange("/etc/venue/keys is no id", path="/orders/1/cancel")) != []


def test_headers_are_looked_at_too() -> None:
    """A header of the answer may give away as much as its body."""
    found = insides(exchange("{}", headers=(("X-Debug", "/srv/venue/auth.py:88"),)))
    assert {what for what, _ in found} == {"a file path"}
