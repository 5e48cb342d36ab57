"""HTTP exchanges as text, and commands that send them again."""

import json
import subprocess

import pytest

from fixtures.venue.answers import Exchange
from reports.http_text import curl, exchange_text


def exchange(**changes: object) -> Exchange:
    """An exchange with an answer."""
    values: dict[str, object] = {
        "method": "POST",
        "path": "/orders/1/cancel?x=$(id)&y='z'",
        "url_host": "venue.example",
        "request_headers": (
            ("Host", "venue.example"),
            ("X-Key", "[key id, 36 characters, redacted]"),
            ("Authorization", "Bearer [credential, 12 characters, redacted]"),
            ("X-Odd", "a'b\"c`id`"),
        ),
        "request_body": '{"a": "it\'s $HOME"}',
        "status": 200,
        "response_headers": (("Content-Type", "application/json"),),
        "response_body": "{}",
        "began": 1.0,
        "ended": 1.25,
        "account": "primary",
        "operation": "cancel",
    }
    return Exchange(**{**values, **changes})  # type: ignore[arg-type] # values of one mapping have many types


def test_a_curl_command_survives_a_shell() -> None:
    """A shell passes every word on as it was sent; redacted values are variables that the reader sets."""
    script = "curl() { for word; do printf '%s\\n' \"$word\"; done; }\nKEY_ID=key-7 CREDENTIAL=secret\n" + curl(
        exchange()
    )
    # the shell is told what to run by a test, from words that are made up above
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True)
    words = done.stdout.splitlines()
    assert "https://venue.example/orders/1/cancel?x=$(id)&y='z'" in words
    assert "X-Key: key-7" in words
    assert "Authorization: Bearer secret" in words
    assert "X-Odd: a'b\"c`id`" in words
    assert json.loads(words[words.index("--data-binary") + 1]) == {"a": "it's $HOME"}
    assert not any(word.startswith("Host:") for word in words)


def test_an_exchange_is_shown_with_both_sides_and_its_time() -> None:
    """Request, answer, account and seconds are in the text."""
    text = exchange_text(exchange(note="cut off", leaked=("token of primary",)))
    for part in ("primary: cancel", "answered after 250.0 ms", "HTTP 200", "cut off", "gave away: token of primary"):
        assert part in text


def test_an_answer_that_never_came_is_said() -> None:
    """Without a status the text says so."""
    assert "(no answer)" in exchange_text(exchange(status=None))


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.0.0.1:80", "http://127.0.0.1:80/x"),
        ("venue.example", "https://venue.example/x"),
        ("http://[::1]:8/", "http://[::1]:8/x"),
    ],
)
def test_the_address_is_the_one_that_was_asked(host: str, address: str) -> None:
    """A host with a scheme keeps it; one without is https but on loopback."""
    assert address in curl(exchange(url_host=host, path="/x"))
