"""The consumer of the vectors: what comes out has the flaw that was asked for, and nothing else is changed."""

import json
from dataclasses import replace
from itertools import islice

import pytest

from fixtures.attacks import (
    Attack,
    AttackVector,
    Expectation,
    NotApplicable,
    VectorError,
    attack,
    attack_sequence,
    pairs,
    select,
    vector,
)
from fixtures.attacks.files import read_vectors
from fixtures.attacks.forge import Forger
from fixtures.attacks.keys import AttackKey, AttackKeys
from fixtures.attacks.setting import Setting
from fixtures.venue.order_ids import HandedOut
from tests.attacks.samples import HOST, OPERATIONS, ORDER, Scheme, authentic, key, keys, request, setting

FORGER = Forger()
# What a strict server takes all the same: correct requests in another guise, and other headers than the two that sign.
AUTHENTIC = {Expectation.ACCEPTED, Expectation.UNJUDGED}
# With this dialect's lower-case paths these are no flaws, or depend on the key's and the payload's numbers.
LEFT_OUT = {"payload-path-lower", "pkcs1-s-plus-n", "pkcs1-s-shorter", "payload-query-backwards"}


def forged(one: Attack, operation: str, around: Setting | None = None) -> bytes:
    """The forged request as it is written."""
    return FORGER.forge(one, request(operation), around or setting(operation)).request.wire(HOST)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_vector_can_be_built(operation: str) -> None:
    """With every key and another request at hand, all vectors of an operation apply."""
    left_out = set()
    for one in select(operation=operation):
        try:
            forged(attack(one), operation)
        except NotApplicable:
            left_out.add(one.id)
    assert left_out <= LEFT_OUT


@pytest.mark.parametrize("operation", OPERATIONS)
def test_no_flaw_makes_a_correct_request(operation: str) -> None:
    """A strict verifier, written down once more, refuses every flaw and takes every control."""
    for one in select(operation=operation):
        if one.id in LEFT_OUT or one.file in ("identifiers", "requests"):
            continue
        taken = authentic(FORGER.forge(attack(one), request(operation), setting(operation)))
        if one.expect is Expectation.ACCEPTED:
            assert taken, one.id
        elif one.expect not in AUTHENTIC and not one.flags & {"http-level"} and "method" not in one.recipe:
            assert not taken, one.id


def test_no_pair_and_no_value_makes_a_correct_request() -> None:
    """The same for pairs, and for values other than the defaults."""
    flaws = [one for one in select(file="signatures", operation="cancel") if one.expect is Expectation.UNAUTHENTICATED]
    seen = 0
    for one in islice(attack_sequence(seed=3, of=flaws), 350, 1200):
        try:
            assert not authentic(FORGER.forge(one, request("cancel"), setting("cancel"))), one.name
        except NotApplicable:
            continue
        seen += 1
    assert seen > 700


@pytest.mark.parametrize("file", ["identifiers", "requests"])
def test_odd_requests_are_signed_correctly(file: str) -> None:
    """A request with another id, method, body or query has a right signature: only that is odd."""
    for one in select(file=file, operation="cancel"):
        made = FORGER.forge(attack(one), request("cancel"), setting("cancel"))
        changed = (made.request.method, made.request.target, made.request.body)
        assert changed != ("POST", request("cancel").target, b"")
        # No payload can be written of these.
        assert authentic(made) or one.id in ("request-body-surrogate", "request-body-deep"), one.id


def test_equal_attacks_build_equal_requests_and_others_do_not() -> None:
    """One vector never builds what another of its requirement builds, and the same one builds the same again."""
    owners: dict[bytes, AttackVector] = {}
    for one in select(operation="cancel"):
        if (
            one.id in LEFT_OUT
            or one.id in ("scheme-ecdsa", "scheme-ed25519")
            or "time" in one.recipe.get("identifier", {})
        ):
            continue  # another key each time, or another moment
        wire = forged(attack(one), "cancel")
        assert forged(attack(one), "cancel") == wire
        twin = owners.setdefault(wire, one)
        # A lower-case path makes the payload's small letters those of its method; both names are useful elsewhere.
        assert twin is one or twin.requirement != one.requirement or one.id == "payload-all-lower", (twin.id, one.id)


def test_only_the_credentials_change() -> None:
    """A flaw of the signature leaves method, path, body and all other header lines as they were."""
    made = FORGER.forge(attack(vector("signature-bit-flip"), bit=5), request("cancel"), setting("cancel"))
    assert (made.request.method, made.request.target, made.request.body) == ("POST", request("cancel").target, b"")
    assert made.request.headers[0] == ("Accept", "application/json")
    assert [name for name, _ in made.request.headers] == ["Accept", "X-API-Key", "X-API-Signature"]
    assert made.request.header("x-api-key") == keys().own.key_id
    assert (made.request.account, made.request.operation, made.raw) == ("primary", "cancel", False)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("key-id-missing", "the signature alone"),
        ("signature-missing", "the key id alone"),
    ],
)
def test_a_missing_header_is_missing(name: str, expected: str) -> None:
    """The header that a vector leaves out is not sent, the other one is."""
    made = FORGER.forge(attack(vector(name)), request("cancel"), setting("cancel")).request
    found = {"the key id alone": made.header("X-API-Key"), "the signature alone": made.header("X-API-Signature")}
    assert [label for label, value in found.items() if value is not None] == [expected]


def test_doubled_headers_stand_in_their_order() -> None:
    """A doubled header is written twice, right and wrong as the vector says."""
    for name, first_is_right in (("header-key-right-wrong", True), ("header-key-wrong-right", False)):
        made = FORGER.forge(attack(vector(name)), request("cancel"), setting("cancel"))
        values = [value for header, value in made.request.headers if header == "X-API-Key"]
        assert made.raw
        assert len(values) == 2
        assert [value == keys().own.key_id for value in values] == [first_is_right, not first_is_right]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("header-names-upper", b"\r\nX-API-KEY: "),
        ("header-names-lower", b"\r\nx-api-key: "),
        ("header-key-name-blank", b"\r\nX-API-Key : "),
        ("header-key-name-folded", b"\r\n X-API-Key: "),
        ("header-key-nul-behind", b"\x00admin\r\n"),
        ("header-line-no-colon", b"\r\nno colon here\r\n"),
        ("header-key-utf-8", "é中💥\r\n".encode()),
        ("base64-folded", b"\r\n "),
        ("id-utf-8-raw", b"POST /api/v1/orders/" + "é中💥".encode() + b"/cancel HTTP/1.1"),
        ("id-nul-raw", b"/a\x00b/cancel"),
        ("sent-lower-method", b"post /api"),
    ],
)
def test_what_no_library_would_send_is_written_as_it_is(name: str, expected: bytes) -> None:
    """Raw requests hold the very bytes, and say that they must not go through an HTTP library."""
    made = FORGER.forge(attack(vector(name)), request("cancel"), setting("cancel"))
    assert made.raw
    assert expected in made.request.wire(HOST)


def test_a_key_that_is_not_at_hand_makes_an_attack_not_applicable() -> None:
    """Without a revoked key or another account, their attacks are left out with a reason."""
    alone = replace(setting("cancel"), keys=AttackKeys(own=keys().own, unregistered=keys().unregistered))
    for name, role in (
        ("other-key-revoked", "revoked"),
        ("other-key-counterparty", "counterparty"),
        ("other-key-stranger", "stranger"),
    ):
        with pytest.raises(NotApplicable, match=f"the profile names no {role} key"):
            forged(attack(vector(name)), "cancel", alone)
    two = replace(alone, keys=AttackKeys(own=keys().own, others={"counterparty": keys().others["counterparty"]}))
    assert forged(attack(vector("other-key-stranger")), "cancel", two)


@pytest.mark.parametrize(
    ("name", "operation", "expected"),
    [
        ("payload-id-upper", "cancel_all", "addresses no order"),
        ("payload-path-lower", "cancel", "leaves the path as it is"),
        ("payload-other-order", "cancel", "no other request"),
        ("payload-raw-body", "cancel", "has no body"),
        ("payload-parameters-backwards", "cancel", "no parameters of a body"),
        ("payload-parameters-as-in-body", "cancel", "no JSON body"),
        ("sent-other-terms", "cancel", "no other request"),
        ("payload-cancel-all", "cancel", "has no cancel-all"),
        ("payload-without-query", "cancel", "leaves the path as it is"),
    ],
)
def test_what_would_be_no_flaw_is_not_applicable(name: str, operation: str, expected: str) -> None:
    """An attack that has nothing to alter, or would alter nothing, says so and builds nothing."""
    bare = replace(setting(operation), other=None, cancel_all=None)
    with pytest.raises(NotApplicable, match=expected):
        forged(attack(vector(name)), operation, bare)


def test_an_invented_id_is_never_that_of_an_order() -> None:
    """An id that the target has handed out is not used as an unknown one."""
    one = attack(vector("id-one-bit"), bit=121)
    target = FORGER.forge(one, request("cancel"), setting("cancel")).request.target
    neighbour = target.removeprefix("/api/v1/orders/").removesuffix("/cancel")
    with pytest.raises(NotApplicable, match="the id of an order that exists"):
        forged(one, "cancel", replace(setting("cancel"), known_ids=HandedOut((ORDER, neighbour))))


def test_a_target_without_uuids_has_no_uuid_attacks() -> None:
    """Where ids are no UUIDs, UUIDs of other versions are left out, and what alters the real id is not."""
    numbered = replace(setting("cancel"), order_id="1541815603606036480")
    plain = replace(request("cancel"), target="/api/v1/orders/1541815603606036480/cancel")
    with pytest.raises(NotApplicable, match="not UUIDs"):
        FORGER.forge(attack(vector("id-v4")), plain, numbered)
    made = FORGER.forge(attack(vector("id-digit-behind"), text="9"), plain, numbered)
    assert made.request.target == "/api/v1/orders/15418156036060364809/cancel"


def test_a_signature_is_made_once() -> None:
    """A second forgery from the same payload signs nothing; a forger that remembers nothing signs again."""
    signed = 0

    class Counting(AttackKey):
        """A key that counts."""

        def sign(self, payload: bytes) -> bytes:
            nonlocal signed
            signed += 1
            return super().sign(payload)

    own = Counting(key_id="counted", private=keys().own.private)
    around = replace(setting("cancel"), keys=AttackKeys(own=own, unregistered=key("unregistered")))
    forger = Forger()
    for bit in range(20):
        forger.forge(attack(vector("signature-bit-flip"), bit=bit), request("cancel"), around)
    assert signed == 1
    forgetful = Forger(remembered=0)
    for bit in range(3):
        forgetful.forge(attack(vector("signature-bit-flip"), bit=bit), request("cancel"), around)
    assert signed == 4


def test_a_dialect_of_its_own_is_kept() -> None:
    """Header names, templates and further lines come from the scheme: nothing of the default dialect is assumed."""

    class Other(Scheme):
        """Another dialect."""

        key_header = "Authorization"
        signature_header = "Sig"
        further_lines = (("Stamp", "77"),)

        def key_value(self, key_id: str) -> str:
            """Behind a word."""
            return f"Key {key_id}"

        def signature_value(self, signature: str) -> str:
            """Behind a word."""
            return f"v1={signature}"

    around = replace(setting("cancel"), scheme=Other())
    sent = replace(
        request("cancel"), headers=(("authorization", "old"), ("SIG", "old"), ("Stamp", "1"), ("Accept", "x"))
    )
    made = FORGER.forge(attack(vector("signature-bit-flip"), bit=5), sent, around).request
    assert [name for name, _ in made.headers] == ["Accept", "Stamp", "Authorization", "Sig"]
    assert made.header("Authorization") == f"Key {keys().own.key_id}"
    assert (made.header("Sig") or "").startswith("v1=")
    assert made.header("Stamp") == "77"


@pytest.mark.parametrize(
    "recipe",
    [
        {"payload": {"op": "nonsense"}},
        {"scheme": {"op": "nonsense"}},
        {"scheme": {"op": "pkcs1", "hash": "nonsense"}},
        {"bytes": {"op": "nonsense"}},
        {"encoding": {"op": "nonsense"}},
        {"headers": {"op": "nonsense"}},
        {"headers": {"op": "rename", "style": "nonsense"}},
        {"key_id": {"op": "nonsense"}},
        {"identifier": {"op": "nonsense"}},
        {"identifier": {"op": "spelled", "style": "nonsense"}},
        {"target": {"op": "edit", "edit": "nonsense"}},
        {"target": {"op": "edit"}},
        {"body": {"op": "nonsense"}},
        {"bytes": {"op": "flip", "bit": "$bit"}},
        {"bytes": {"op": "flip", "bit": "many"}},
        {"bytes": {"op": "append", "octets": "xyz"}},
        {"scheme": {"op": "block", "block": "ff*$count"}},
        {"scheme": {"op": "block", "block": 3}},
    ],
)
def test_a_recipe_that_nobody_understands_is_an_error(recipe: dict[str, object]) -> None:
    """A misspelt operation, parameter or value in a file is told, never sent as if it were an attack."""
    entry = {"id": "x", "requirement": "SIG-04", "class": "c", "expect": "refused", "note": "n", "recipe": recipe}
    (one,) = read_vectors("some", json.dumps({"vectors": [entry]}))
    with pytest.raises(VectorError, match=r"^x: "):
        forged(attack(one), "cancel")


def test_pairs_are_many() -> None:
    """A certifying run finds thousands of pairs to draw from."""
    assert len(pairs(select(file="signatures", operation="cancel"))) > 10_000
