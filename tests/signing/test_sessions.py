"""Sessions: one login for all requests of an account until most of its life is over, signed where it must be."""

import hmac
from collections.abc import Callable

import pytest

from fixtures.profiles import Profile
from fixtures.venue import TargetUnavailable, Venue
from tests.signing.conftest import Echo

LOGIN = {
    "path": "/login", "method": "GET", "token": "/jwt", "payload": "{timestamp_ms}{method}{path}", "lasts": 60.0,
    "headers": {"L-Key": "{key_id}", "L-Time": "{timestamp_ms}", "L-Sign": "{signature}"},
}  # fmt: skip


def _signed(section: dict[str, object]) -> dict[str, object]:
    return {"session": section, "key_header": "Authorization", "key_value": "Bearer {session}"}


def test_one_login_serves_until_it_is_old(
    echo: Echo, profile_of: Callable[..., Profile], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The token is asked for once, borne by every request and by siblings, and asked for again near its end."""
    clock = [1000.0]
    monkeypatch.setattr("fixtures.venue.sessions.time.monotonic", lambda: clock[0])
    with Venue(profile_of(echo, "hmac-sha256", **_signed(LOGIN))) as venue:
        venue.cancel("primary", "7")
        venue.siblings(1)[0].balances("primary")
        assert len(echo.tokens) == 1
        clock[0] += 50
        venue.cancel("primary", "7")
    assert len(echo.tokens) == 2
    assert f"Authorization: Bearer {echo.tokens[-1]}" in echo.requests[-1]


def test_the_login_is_signed_as_the_profile_says(echo: Echo, profile_of: Callable[..., Profile]) -> None:
    """It has a payload and headers of its own, under the account's secret."""
    with Venue(profile_of(echo, "hmac-sha256", **_signed(LOGIN))) as venue:
        venue.cancel("primary", "7")
        secret = venue.account_keys["primary"].key.secret or b""
    lines = dict(line.split(": ", 1) for line in echo.requests[0].splitlines()[1:] if ": " in line)
    assert lines["L-Sign"] == hmac.new(secret, f"{lines['L-Time']}GET/login".encode(), "sha256").hexdigest()


def test_a_form_with_the_credentials(echo: Echo, profile_of: Callable[..., Profile]) -> None:
    """OAuth's client credentials are a form with id and secret."""
    body = {"grant_type": "client_credentials", "client_id": "{key_id}", "client_secret": "{token}"}
    login = {"path": "/login", "token": "/jwt", "body": body, "form": "form"}
    profile = profile_of(echo, "bearer", key_value="Bearer {session}", session=login)
    with Venue(profile) as venue:
        venue.balances("primary")
        token = venue.account_keys["primary"].key.token
    assert (
        f"grant_type=client_credentials&client_id={profile.accounts['primary'].key_id}&client_secret={token}"
        in (echo.requests[0])
    )


def test_a_refused_login_ends_the_run(echo: Echo, profile_of: Callable[..., Profile]) -> None:
    """Nothing can be judged without a session; the message says where to look."""
    echo.refuses_logins = True
    with (
        Venue(profile_of(echo, "hmac-sha256", **_signed(LOGIN))) as venue,
        pytest.raises(TargetUnavailable, match=r"authentication.session: expected a token at '/jwt'.*status 401"),
    ):
        venue.cancel("primary", "7")
