"""What ``doctor`` says of a proof that is refused: the scheme, the secret, the clock or the word, and the line."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from conformance.examination.checks import Check, Outcome
from conformance.examination.whole import Examination
from fixtures.embedded import embedded_target
from fixtures.exchange import ExchangeSettings

CASES = [
    ({"scheme": "hmac-sha512"}, 0, ('scheme = "hmac-sha256"',)),
    ({"secret_form": "hex"}, 0, ('secret_form = "text"',)),
    ({"coding": "base64"}, 0, ('coding = "hex"',)),
    ({"coding": "HEX", "secret_form": "hex"}, 0, ('secret_form = "text"', 'coding = "hex"')),
    ({}, -60, ()),
]


def _examined(
    monkeypatch: pytest.MonkeyPatch, folder: Path, changes: Mapping[str, Any], offset: int = 0, **tables: Any
) -> list[Check]:
    monkeypatch.setenv("CANCEL_CONFORMANCE_STATE", str(folder))
    settings = ExchangeSettings(scheme="hmac-sha256")
    right = time.time
    with embedded_target(settings, {"authentication": dict(changes), **tables}) as (profile, _):
        monkeypatch.setattr(time, "time", lambda: right() + offset)
        return list(Examination(profile).checks())


@pytest.mark.parametrize(("changes", "offset", "lines"), CASES)
def test_what_is_wrong_with_a_proof_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, changes: Mapping[str, Any], offset: int, lines: tuple[str, ...]
) -> None:
    """The line that puts it right is the one that is proposed; a clock is told by itself."""
    checks = _examined(monkeypatch, tmp_path, changes, offset)
    refused = [check for check in checks if check.name == "keys" and check.outcome is Outcome.FAILED]
    assert refused
    if lines:
        assert all(check.lines == ("[authentication]", *lines) for check in refused)
    else:
        assert all("the clock here is" in check.detail for check in refused)


def test_a_wrong_secret_is_what_is_left(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Where no other way of proving is taken, the account's secret and key id are named."""
    accounts = {"primary": {"secret": {"inline": "of-another-venue"}}}
    checks = _examined(monkeypatch, tmp_path, {}, accounts=accounts)
    (refused,) = (check for check in checks if check.name == "keys" and check.outcome is Outcome.FAILED)
    assert "look at accounts.primary.key_id and its secret" in refused.detail


def test_a_word_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An operation without a word would be signed with nothing in its place."""
    words = {"words": {"balances": "x"}, "extra_headers": {"X-Word": "{word}", "X-API-Timestamp": "{timestamp_ms}"}}
    checks = _examined(monkeypatch, tmp_path, words)
    (missing,) = (check for check in checks if check.name == "words")
    assert missing.lines[0] == "[authentication.words]"
    assert 'cancel = "…"' in missing.lines
    assert "balances" not in missing.detail
