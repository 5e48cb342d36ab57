"""Wrong profiles: each message names the file, the key, what was expected and what was found."""

from collections.abc import Callable
from pathlib import Path

import pytest

from conformance.errors import UserError
from fixtures.profiles import load_profile

MINIMAL = """
extends = "documented"
[target]
name = "staging"
base_url = "https://staging.example.com"
[accounts.primary]
key_id = "key-1"
private_key = { file = "primary.pem" }
[accounts.counterparty]
key_id = "key-2"
private_key = { file = "counterparty.pem" }
[markets.BTC-USDT]
base = "BTC"
quote = "USDT"
tick = "0.01"
step = "0.00001"
min_quantity = "0.0001"
max_quantity = "1"
rest_price = "1000.00"
extra = { instType = "spot" }
"""


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str], Path]:
    """Writes a target file."""

    def to(text: str) -> Path:
        path = tmp_path / "target.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return to


def _problem(path: Path) -> str:
    with pytest.raises(UserError) as caught:
        load_profile(path)
    text = caught.value.message
    assert str(path) in text
    return text.replace(str(path), "FILE")


def test_a_minimal_target_file_is_enough(write: Callable[[str], Path]) -> None:
    """Base URL, accounts with key files and a market: everything else is inherited."""
    profile = load_profile(write(MINIMAL))
    assert profile.target.host == "staging.example.com"
    assert profile.operations.cancel.path == "/api/v1/orders/{order_id}/cancel"
    assert profile.source.endswith("target.toml")
    assert profile.warnings() == ()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('name = "staging"', 'nmae = "staging"', "target.nmae: unknown key; did you mean 'name'?"),
        ("[target]", "[taget]", "taget: unknown key; did you mean 'target'?"),
        ('key_id = "key-2"', 'kid = "key-2"', "accounts.counterparty.kid: unknown key; did you mean 'key_id'?"),
        ("[accounts.primary]", "[accounts.first]", "accounts.first: expected role = one of primary"),
        (
            '{ file = "primary.pem" }', '{ file = "a", env = "B" }',
            "accounts.primary.private_key: expected exactly one of file, env, command; found file and env.",
        ),
        (
            '{ file = "primary.pem" }', "{ }",
            "accounts.primary.private_key: expected exactly one of file, env, command; found none of them.",
        ),
        ('{ file = "primary.pem" }', '{ path = "a" }', "accounts.primary.private_key.path: unknown key; known"),
        ('private_key = { file = "primary.pem" }', "", "accounts.primary.private_key is missing"),
        ('tick = "0.01"', 'tick = "0"', 'markets.BTC-USDT.tick: expected greater than 0, found "0".'),
        ('tick = "0.01"', "tick = true", "markets.BTC-USDT.tick: "),
        ('tick = "0.01"', "", 'markets.BTC-USDT.tick: is missing; expected a decimal number, best as text ("0.01").'),
        ('base = "BTC"', "base = 5", "markets.BTC-USDT.base: expected a valid string, found 5."),
        ('rest_price = "1000.00"', 'rest_price = "1000.005"', "rest_price: 1000.005 is not a multiple of 0.01"),
        ('min_quantity = "0.0001"', 'min_quantity = "2"', "min_quantity 2 is above max_quantity 1"),
        (
            'rest_price = "1000.00"', 'min_notional = "2000"\nrest_price = "1000.00"',
            "min_notional 2000 needs orders of 2.00129 at rest_price, which is above max_quantity 1",
        ),
        ('extra = { instType = "spot" }', "isolated = false", "isolated = false needs rest_price_sell"),
        ("https://", "ftp://", "expected a URL like 'https://staging.example.com', found 'ftp://staging"),
        ("https://", "http://", "plain http to 'staging.example.com' would send keys in clear"),
        ("example.com", "example.com:x", "target: base_url: 'https://staging.example.com:x' is not a URL"),
        ("https://", "https://me:pw@", "base_url: expected no query, fragment, user name or password in it"),
        (
            'name = "staging"', 'name = "p"\nenvironment = "production"',
            'environment is production: orders would be real. Expected allow_production_host = "staging.example.com"',
        ),
        ('name = "staging"', 'name = "p"\nenvironment = "prod"', "target.environment: expected 'staging', 'sandbox'"),
        ('extends = "documented"', 'extends = "nowhere"', "extends: expected a bundled profile (alpaca, backpack"),
        ('extends = "documented"', "", "operations: is missing; expected a table with place, cancel"),
        ('extends = "documented"', 'extends = "documented', "is not valid TOML"),
        (
            "[target]", "[answers.accepted]\nstatus = [200]\n[answers.not_found]\nstatus = [200]\n[target]",
            "share the status 200 and neither a code nor anything else in the body tells them apart.",
        ),
        (
            "[target]", "[answers.accepted]\nstatus = 200\n[target]",
            "answers.accepted.status: expected a valid array, found 200.",
        ),
        (
            "[target]", "[answers.accepted]\nstatus = [20]\n[target]",
            "answers.accepted.status.0: expected greater than or equal to 100, found 20.",
        ),
        (
            "[target]", '[operations.cancel]\nmethod = "POST"\npath = "/c"\n[target]',
            "operations: cancel: expected {order_id} in its path, query or body.",
        ),
        (
            "[target]", '[operations.cancel]\nmethod = "POST"\npath = "/c/{orderId}"\n[target]',
            "operations: cancel: unknown placeholder {orderId}; known here are order_id",
        ),
        (
            "[target]", '[operations.cancel]\nmethod = "GRAB"\npath = "c/{order_id}"\n[target]',
            "operations.cancel.method: expected 'GET', 'POST', 'PUT', 'DELETE' or 'PATCH', found \"GRAB\".",
        ),
        (
            "[target]", '[operations.cancel]\nmethod = "POST"\npath = "/c/{order_id}?x=1"\n[target]',
            "expected the query in its own table",
        ),
        ("[target]", '[order]\nstatus = "status"\n[target]', "order.status: expected a JSON Pointer (RFC 6901)"),
        (
            "[target]", '[vocabulary.status]\nOPEN = ["x"]\nFILLED = ["x"]\nCANCELED = ["c"]\n[target]',
            "vocabulary: status: the word 'x' stands for FILLED and OPEN, which nothing tells apart.",
        ),
        ("[target]", '[vocabulary.status]\nOPEN = ["x"]\n[target]', "vocabulary: status: expected words for FILLED."),
        (
            "[target]", '[vocabulary.status]\nOPENED = ["x"]\n[target]',
            "vocabulary.status.OPENED: expected 'PENDING', 'OPEN'",
        ),
        (
            "[target]", '[authentication]\npayload = "{method}:{url}"\n[target]',
            "authentication: payload: '{method}:{url}': unknown placeholder {url}; known here are method, target",
        ),
        ("[target]", '[authentication]\nscheme = "hmac"\n[target]', "authentication.scheme: expected 'rsa-"),
        (
            "[target]", "[authentication]\nsignature_header = false\n[target]",
            "authentication: scheme 'rsa-pkcs1v15-sha256' needs signature_header and payload.",
        ),
        ("[target]", '[lock]\nmodel = "margin"\n[target]', "lock: model 'margin' needs rate (of the notional)"),
        ("[target]", '[lock]\nmodel = "spot"\nrate = "0.1"\n[target]', "lock: rate and asset belong to"),
        ("[target]", '[drivers.fill]\nhow = "control"\n[target]', "drivers: fill: how = 'control' and a request"),
        ("[target]", '[drivers.hold_market]\nhow = "wait"\n[target]', "how: expected 'control' or 'empty-book'"),
        (
            "[target]", '[drivers.hold_market]\nhow = "empty-book"\nmarket = "ETH-EUR"\n[target]',
            "drivers.hold_market.market: expected a market of lane 1 that nobody else trades in, found 'ETH-EUR'",
        ),
        (
            "[target]", '[drivers.hold_market]\nhow = "control"\nmarket = "BTC-USDT"\n[target]',
            "market belongs to how = 'empty-book'",
        ),
        (
            "[target]",
            '[drivers.hold_market]\nhow = "empty-book"\nrequest = { method = "POST", path = "/h" }\n[target]',
            "hold_market: how = 'control' and a request table belong together",
        ),
        ("[target]", "[timing]\nread_delay = -1\n[target]", "timing.read_delay: expected greater than or"),
        ("[target]", '[timing]\nread_delay = "soon"\n[target]', 'read_delay: expected a valid number, found "soon"'),
        ("[target]", "[limits]\nin_flight = 0\n[target]", "in_flight: expected greater than or equal to 1, found 0."),
        (
            'name = "staging"', 'name = "s"\ntls = { client_key = "k" }',
            "target.tls: client_key needs client_certificate beside it.",
        ),
        ("[target]", "when = 2026-01-01\n[target]", "expected text, numbers, booleans, lists and tables; found a date"),
    ],
)  # fmt: skip
def test_wrong_profiles_say_what_is_wrong(write: Callable[[str], Path], old: str, new: str, message: str) -> None:
    """One mistake in a good file gives one sentence that tells where it is and what belongs there."""
    assert old in MINIMAL
    problem = _problem(write(MINIMAL.replace(old, new, 1)))
    assert message in problem
    assert problem.startswith("FILE")


def test_all_problems_are_listed_at_once(write: Callable[[str], Path]) -> None:
    """A file with three mistakes is told about all three, each on a line of its own."""
    text = MINIMAL.replace('tick = "0.01"', "tick = -1").replace('quote = "USDT"', "").replace("name =", "nam =")
    lines = _problem(write(text)).splitlines()
    assert lines[0] == "FILE: 3 problems in the profile."
    assert [line.split(":")[0].strip() for line in lines[1:]] == [
        "markets.BTC-USDT.quote", "markets.BTC-USDT.tick", "target.nam",
    ]  # fmt: skip


@pytest.mark.parametrize("word", ["key_id = 12345", 'private_key = "-----BEGIN PRIVATE KEY-----MIIEverysecret"'])
def test_wrong_secrets_are_not_quoted(write: Callable[[str], Path], word: str) -> None:
    """A message about a secret's key does not repeat the secret."""
    key = word.split(" ")[0]
    lines = [line if not line.startswith(key) else word for line in MINIMAL.splitlines()]
    problem = _problem(write("\n".join(lines)))
    assert f"accounts.primary.{key}" in problem
    assert "12345" not in problem
    assert "verysecret" not in problem


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    """A missing file, a folder and a file that is not text are named; a missing one offers the bundled names."""
    assert "does not exist. Expected a TOML file, or the name of a bundled profile: alpaca" in _problem(
        tmp_path / "absent.toml"
    )
    assert "cannot be read" in _problem(tmp_path)
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\x00")
    assert "is not UTF-8 text" in _problem(tmp_path / "binary.toml")
