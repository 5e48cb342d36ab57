"""Forged requests where the signature is no header, and where a scheme does not sign all that is sent."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

import pytest

from fixtures.attacks.files import vector
from fixtures.attacks.steps import NotApplicable
from fixtures.attacks.vectors import attack
from fixtures.attacks.workbench import Workbench
from fixtures.profiles import profile_from_data
from fixtures.venue import Venue
from fixtures.venue.request import PreparedRequest
from tests.signing.samples import pem_of

SECRET = {"secret": {"inline": "a-secret-of-a-test-0123456789"}}
MARKET = {
    "base": "BTC", "quote": "USDT", "tick": "1", "step": "0.1", "min_quantity": "0.1", "max_quantity": "10",
    "rest_price": "1000",
}  # fmt: skip


def _venue(dialect: str, **tables: Any) -> Venue:
    fields = {"passphrase": "x", "operator_id": "7"}
    accounts = {role: {"key_id": f"id-of-{role}", "fields": fields, **SECRET} for role in ("primary", "counterparty")}
    data = {"extends": dialect, "target": {"base_url": "http://127.0.0.1:9"}, "accounts": accounts}
    return Venue(profile_from_data({**data, "markets": {"BTC-USDT": MARKET}, **tables}))


def _forged(venue: Venue, name: str, **values: Any) -> tuple[PreparedRequest, PreparedRequest]:
    """A correct cancel, and the same with the flaw."""
    request = venue.prepare("primary", "cancel", order_id="42", market="BTC-USDT")
    one = attack(vector(name), **values)
    return request, Workbench().forge(venue, one, request, order_id="42").request


def _query(request: PreparedRequest) -> Mapping[str, str]:
    return dict(parse_qsl(request.target.partition("?")[2]))


@pytest.fixture(autouse=True)
def state(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A state directory of the test's own."""
    monkeypatch.setenv("CANCEL_CONFORMANCE_STATE", str(tmp_path))


def test_a_signature_in_the_query_is_forged_there() -> None:
    """A cut tag, an old time and an unknown key stand where the venue reads them; all else stays."""
    with _venue("binance-spot") as venue:
        right, cut = _forged(venue, "hmac-half")
        assert len(_query(cut)["signature"]) == 40 < len(_query(right)["signature"])
        assert _query(cut).keys() == _query(right).keys()
        _, old = _forged(venue, "time-old")
        assert int(_query(right)["timestamp"]) - int(_query(old)["timestamp"]) > 3_000_000
        assert _query(old)["symbol"] == "BTC-USDT"
        _, unknown = _forged(venue, "key-id-unknown")
        assert unknown.header("X-MBX-APIKEY") == "unknown-key-of-nobody"


def test_what_a_scheme_does_not_sign_is_no_flaw() -> None:
    """Binance signs the parameters alone: another path is another correct request, and is not sent as a flaw."""
    with _venue("binance-spot") as venue, pytest.raises(NotApplicable, match="does not sign what is altered"):
        _forged(venue, "sent-trailing-slash")
    with _venue("bitvavo") as venue:
        right, sent = _forged(venue, "sent-trailing-slash")
        assert right.target.partition("?")[0] + "/" == sent.target.partition("?")[0]


def test_a_flaw_that_is_none_is_not_sent() -> None:
    """A tag that is kept whole, or another hash that is the scheme's own, would be a correct request."""
    with _venue("bitvavo") as venue:
        with pytest.raises(NotApplicable, match="own hash"):
            _forged(venue, "hmac-other-hash", hash="sha256")
        with pytest.raises(NotApplicable, match="stays as it is"):
            _forged(venue, "signature-cut", length=200)
    rsa = {"scheme": "rsa-pkcs1v15-sha512", "coding": "base64"}
    key = {"key_id": "k", "private_key": {"inline": pem_of("rsa")}, "fields": {"operator_id": "7"}, "secret": False}
    accounts = {"primary": key, "counterparty": key}
    with (
        _venue("bitvavo", authentication=rsa, accounts=accounts) as venue,
        pytest.raises(NotApplicable, match="right signature"),
    ):
        _forged(venue, "scheme-sha512")
