"""Forged requests in a plan: what a wrong answer breaks, what an effect breaks, and what is never judged."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import unquote_to_bytes

import pytest

from conformance.plans import COUNTERPARTY, Action, CancelAll, Forge, Send
from conformance.requirements import catalogue
from conformance.trace import PlanResult
from fixtures.attacks.files import vectors
from fixtures.exchange.api import Api
from fixtures.exchange.requests import Answer as ExchangeAnswer
from fixtures.exchange.requests import Request
from strategies.cells import UNKNOWN_IDS
from tests.runner.actions import LOOK, buy, cancelled, sell
from tests.runner.stage import Stage

Open = Callable[..., Stage]
UNAUTHENTICATED = {"error": {"code": 401, "message": "no", "details": "x"}, "timestamp": "2026-03-01T08:00:00Z"}
DONE = {"data": {"success": True}, "error": False}


def forge(*names: str, operation: str = "cancel", order: str | None = "a", **changes: Any) -> Forge:
    """A request with these flaws about order ``a``."""
    return replace(Forge(operation=operation, vectors=names, order=order), **changes)


def with_sockets(theatre: Stage) -> Stage:
    """The stage, where exact bytes reach it too."""
    theatre.takes_raw = True
    return theatre


def broken(result: PlanResult) -> list[tuple[tuple[str, ...], str]]:
    """What a run broke: requirements and kind."""
    return [(violation.requirements, violation.kind) for violation in result.violations]


EVERYWHERE: tuple[Action, ...] = (
    buy("a"),
    buy("b"),
    sell(),
    LOOK,
    forge("signature-bit-flip", values=(("signature-bit-flip", "bit", 3),)),
    forge("key-id-unknown", "signature-zero"),
    forge("other-key-counterparty"),
    forge("payload-other-order"),
    forge("pkcs1-no-info"),
    forge("id-one-bit", values=(("id-one-bit", "bit", 5),)),
    forge("id-cut", values=(("id-cut", "length", 35),)),
    forge("id-spelled-upper"),
    forge("request-method-put"),
    forge("request-method-post-on-read", operation="read"),
    forge("payload-without-body", operation="place"),
    forge("signature-missing", operation="cancel_all", order=None),
    forge("signature-missing", order=None, order_id=UNKNOWN_IDS[0]),
    forge("signature-missing"),
    forge("signature-missing", order="s"),
    LOOK,
    forge("header-names-lower"),
    forge("correct", order="b"),
    LOOK,
)


def traded_before_a_cancel(theatre: Stage) -> Stage:
    """The stage, where a stranger takes order ``a`` just before the first cancel arrives."""

    def taken(number: int) -> bool:
        if number == 1:
            (order,) = theatre.service.engine.orders.values()
            theatre.service.engine.fill(order.id, order.quantity)
        return False

    return theatre.alters("cancel", lambda document: None, when=taken)


@pytest.mark.parametrize("name", ["correct", "header-names-lower", "id-spelled-upper"])
@pytest.mark.parametrize("shared", [True, False], ids=["shared", "isolated"])
def test_an_order_that_others_took_cannot_be_cancelled_in_any_guise(stage: Open, name: str, shared: bool) -> None:
    """A correct cancel may be refused where strangers trade; where they do not, the refusal breaks its requirement."""
    markets = {"BTC-USDT": {"isolated": False, "rest_price_sell": "1010.00"}} if shared else {}
    theatre = traded_before_a_cancel(with_sockets(stage(markets=markets)))
    result = theatre.run(buy("a"), LOOK, forge(name), LOOK)
    assert result.trouble is None
    accused = {requirement for requirements, _ in broken(result) for requirement in requirements}
    assert bool(accused & {"SIG-01", "SIG-09", "NTF-06", "CXL-01"}) is not shared, broken(result)


@pytest.mark.parametrize("mode", ["immediate", "delayed", "mixed"])
def test_a_correct_exchange_is_not_accused(stage: Open, mode: str) -> None:
    """Attacks of every kind find nothing at a correct exchange, exercise their requirements, leave nothing behind."""
    theatre = with_sockets(stage(mode))
    result = theatre.run(*EVERYWHERE)
    assert broken(result) == []
    assert result.trouble is None
    assert theatre.live_orders() == 0
    tried = {"SIG-01", "SIG-02", "SIG-03", "SIG-04", "SIG-05", "SIG-06", "SIG-08", "SIG-09", "SIG-10", "SIG-11"}
    tried |= {"NTF-01", "NTF-04", "NTF-06", "ERR-01", "ERR-02", "ERR-03", "ERR-04", "ALL-07"}
    assert {name for name in tried if not result.exercised[name]} == set()
    assert len(result.attacks) == 16
    assert sum(result.attacks.values()) == 18  # one flaw met three orders


@pytest.mark.parametrize(
    ("fault", "action", "requirement"),
    [
        ("signature-unchecked", forge("signature-zero"), "SIG-04"),
        ("signature-optional", forge("signature-missing"), "SIG-03"),
        ("any-registered-key", forge("other-key-counterparty"), "SIG-05"),
        ("order-id-not-bound", forge("payload-other-order"), "SIG-06"),
        ("sha1-taken", forge("scheme-sha1"), "SIG-07"),
        ("pkcs1-info-optional", forge("pkcs1-no-info"), "SIG-08"),
        ("base64-no-padding", forge("base64-no-padding"), "SIG-12"),
        ("id-malformed-accepted", forge("id-cut", values=(("id-cut", "length", 35),)), "NTF-04"),
        ("id-malformed-500", forge("id-cut", values=(("id-cut", "length", 35),)), "NTF-04"),
        ("id-upper-case-cancel-only", forge("id-spelled-upper"), "NTF-06"),
        ("id-upper-case-read-only", forge("id-spelled-upper"), "NTF-06"),
        ("id-upper-case-no-effect", forge("id-spelled-upper"), "NTF-06"),
        ("put-cancels", forge("request-method-put"), "ERR-03"),
        ("wrong-method-cancels-silently", forge("request-method-put"), "ERR-03"),
        ("cancel-with-body-500", forge("request-body-empty-object"), "ERR-01"),
        ("body-not-bound", forge("payload-without-body", operation="place"), "SIG-06"),
        ("cancel-all-unsigned", forge("signature-missing", operation="cancel_all", order=None), "ALL-07"),
        ("cancelled-before-the-check", forge("signature-zero"), "SIG-04"),
        ("funds-released-before-the-check", forge("signature-zero"), "SIG-04"),
        ("cancel-all-before-the-check", forge("signature-zero", operation="cancel_all", order=None), "ALL-07"),
    ],
)
def test_what_is_accepted_or_done_is_a_violation(stage: Open, fault: str, action: Action, requirement: str) -> None:
    """An accepted flaw breaks its requirement, and so does one that is refused and takes effect all the same."""
    name = {"base64-no-padding": "base64-padding-optional"}.get(fault, fault)
    theatre = stage(faults=(name,))
    result = theatre.run(buy("a"), buy("b"), LOOK, action, LOOK)
    assert any(requirement in ids for ids, _ in broken(result)), broken(result)
    assert result.ended
    assert theatre.live_orders() == 0


def test_another_refusal_than_the_expected_one(stage: Open) -> None:
    """A flawed signature that is refused in other words, and without effect, is noted and no finding of its own."""
    theatre = stage().answers("cancel", 404, UNAUTHENTICATED, when=lambda number: number == 1)
    result = theatre.run(buy("a"), LOOK, forge("signature-zero"), LOOK)
    assert not {one for violation in result.violations for one in violation.requirements if one.startswith("SIG")}
    assert any("also refused with 404" in note for note in result.notes)


@pytest.mark.parametrize(("vector", "breaks"), [("request-method-get", False), ("request-method-put", True)])
def test_a_path_that_another_method_reads_as_an_id(stage: Open, vector: str, breaks: bool) -> None:
    """``GET /orders/cancel-all`` reads the order `cancel-all`: refused as malformed, it is no wrong method (ERR-03)."""
    refusal = {"error": {"code": 400, "message": "no UUID", "details": ""}, "timestamp": "2026-03-01T08:00:00Z"}
    theatre = stage().answers("cancel_all", 400, refusal, when=lambda number: number == 1)
    result = theatre.run(buy("a"), LOOK, forge(vector, operation="cancel_all", order=None), LOOK)
    assert bool(result.exercised["ERR-03"]) is not breaks
    assert [ids for ids, _ in broken(result) if "ERR-03" in ids] == [("ERR-03",)] * breaks


@pytest.mark.parametrize(("vector", "breaks"), [("request-method-put", False), ("request-method-get", True)])
def test_a_method_that_the_server_does_not_know(stage: Open, vector: str, breaks: bool) -> None:
    """501 is right for a method that no operation has (RFC 9110, section 15.6.2), and an error for all others."""
    theatre = stage().answers("cancel", 501, b"<html>not implemented</html>", when=lambda number: number == 1)
    result = theatre.run(buy("a"), LOOK, forge(vector), LOOK)
    assert any("ERR-01" in ids for ids, _ in broken(result)) is breaks
    assert breaks or broken(result) == []


def test_a_difference_between_orders_is_told(stage: Open) -> None:
    """The same flawed request must be answered alike for an unknown order and a known one (SIG-10)."""
    theatre = stage(faults=("text-before-the-check",))
    unknown = forge("signature-missing", order=None, order_id=UNKNOWN_IDS[0])
    result = theatre.run(buy("a"), LOOK, unknown, forge("signature-missing"))
    assert broken(result) == [(("SIG-10",), "an unauthenticated caller can tell orders apart")]


def test_answers_that_vary_by_themselves_tell_nothing(stage: Open) -> None:
    """A refusal with a text that changes from answer to answer is no difference between orders."""
    counter = iter(range(1000))

    def vary(document: dict[str, Any]) -> None:
        if document["error"]:
            document["error"]["details"] = f"attempt {next(counter)}"

    theatre = stage().alters("cancel", vary)
    unknown = forge("signature-missing", order=None, order_id=UNKNOWN_IDS[0])
    result = theatre.run(buy("a"), LOOK, unknown, forge("signature-missing"))
    assert broken(result) == []
    assert result.notes["answers to unauthenticated requests vary by themselves"] == 1


def test_a_dead_key_is_no_perfect_rejection(stage: Open) -> None:
    """Where correct cancels are refused too, the control says so (SIG-01)."""
    theatre = stage().answers("cancel", 401, UNAUTHENTICATED, when=lambda number: number <= 2)
    result = theatre.run(buy("a"), buy("b"), LOOK, forge("signature-zero", order="a"), forge("correct", order="b"))
    assert any("SIG-01" in ids for ids, _ in broken(result))


def test_what_is_not_judged_may_be_accepted(stage: Open) -> None:
    """A DigestInfo without NULL that is accepted is noted, and what it did to the order is held against nothing."""
    theatre = stage("mixed", faults=("pkcs1-parameters-unread",))
    result = theatre.run(buy("a"), LOOK, forge("pkcs1-missing-null"), LOOK, *cancelled())
    assert broken(result) == []
    assert result.notes["accepted, which is not judged: pkcs1-missing-null"] == 1


def test_a_request_without_an_answer_is_told_and_not_judged(stage: Open) -> None:
    """A hostile request may be dropped; that it had an effect is still a violation."""
    lost = stage().loses("cancel", arrives=False, when=lambda number: number == 1)
    result = lost.run(buy("a"), LOOK, forge("signature-zero"), LOOK)
    assert broken(result) == []
    assert result.notes["no answer to a hostile cancel (signature-zero)"] == 1
    acted = stage(faults=("signature-unchecked",)).loses("cancel", arrives=True, when=lambda number: number == 1)
    result = acted.run(buy("a"), LOOK, forge("signature-zero"), LOOK)
    assert ["SIG-04" in ids for ids, _ in broken(result)] == [True]


def test_a_relaxed_profile_is_held_to_less(stage: Open) -> None:
    """With ``lax_base64`` other forms of base64 may be accepted; they are noted."""
    theatre = stage(faults=("base64-padding-optional",), relaxations={"lax_base64": True})
    result = theatre.run(buy("a"), LOOK, forge("base64-no-padding"), LOOK)
    assert broken(result) == []
    assert result.notes["accepted, which is not judged: base64-no-padding"] == 1


def test_a_throttled_attack_abandons_the_plan(stage: Open) -> None:
    """An attack that is only throttled is neither a pass nor a failure."""
    theatre = stage(limits={"throttled_seconds": 0.0}).answers("cancel", 429, UNAUTHENTICATED, when=lambda n: n == 1)
    result = theatre.run(buy("a"), LOOK, forge("signature-zero"))
    assert broken(result) == []
    assert result.trouble is not None
    assert "throttled" in result.trouble


def test_what_does_not_apply_is_left_out(stage: Open) -> None:
    """An operation that the target lacks, an order that is not there, a flaw that cannot be built: nothing is sent."""
    theatre = stage(operations={"cancel_all": False})
    result = theatre.run(
        buy("a"),
        forge("signature-missing", operation="cancel_all", order=None),
        forge("signature-missing", order="nobody"),
        forge("payload-other-order"),  # there is no other order
        Send(operation="cancel", method="POST", target="/api/v1/orders/{nobody}/cancel"),
    )
    assert sum(result.attacks.values()) == 0
    assert broken(result) == []


def test_a_sent_request_is_judged_as_it_asks(stage: Open) -> None:
    """A plain request is sent with the credentials that it names; wrong methods and missing credentials are refused."""
    target = "/api/v1/orders/{a}/cancel"
    put = Send(operation="cancel", method="PUT", target=target, expect="wrong-method")
    bare = Send(operation="cancel", method="POST", target=target, credentials=("key",), expect="unauthenticated")
    whole = Send(operation="cancel", method="POST", target=target)
    result = stage("mixed").run(buy("a"), sell(), LOOK, put, bare, whole, LOOK, CancelAll(account=COUNTERPARTY))
    assert broken(result) == []
    assert result.exercised["SIG-03"] == 1
    lax = stage(faults=("wrong-method-accepted",)).run(buy("a"), LOOK, put)
    assert [ids for ids, _ in broken(lax) if "ERR-03" in ids] == [("ERR-03",)]
    unsigned = stage(faults=("signature-unchecked",)).run(buy("a"), LOOK, replace(bare, credentials=("key",)))
    assert [ids for ids, _ in broken(unsigned)] == [("SIG-03",)]


@pytest.mark.parametrize(
    "attacked",
    [
        forge("sent-encoded-character", values=(("sent-encoded-character", "place", 1),)),
        forge("sent-encoded-id-character", values=(("sent-encoded-id-character", "place", 8),)),
        forge("sent-encoded-id"),
        forge("id-blank-behind"),
        forge("id-bad-utf-8"),
    ],
)
def test_a_path_may_be_decoded_before_it_is_verified(
    stage: Open, monkeypatch: pytest.MonkeyPatch, attacked: Forge
) -> None:
    """Most servers decode a path before anything sees it: whether its signature then fits is their own affair."""
    handle = Api.handle

    def decoding(self: Api, request: Request) -> ExchangeAnswer:
        return handle(self, replace(request, target=unquote_to_bytes(request.target)))

    monkeypatch.setattr(Api, "handle", decoding)
    result = with_sockets(stage("mixed")).run(buy("a"), buy("b"), LOOK, attacked, LOOK, forge("correct", order="b"))
    assert broken(result) == []


def lax_router(monkeypatch: pytest.MonkeyPatch) -> None:
    """The exchange drops a slash behind a path, and doubled ones in it, once the signature is verified."""
    dispatch = Api.dispatch

    def routed(self: Api, account: str, request: Request) -> ExchangeAnswer:
        target = request.target.replace(b"//", b"/").rstrip(b"/")
        return dispatch(self, account, replace(request, target=target))

    monkeypatch.setattr(Api, "dispatch", routed)


def test_a_router_may_drop_a_slash(stage: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    """A slash behind an id that leads to the very order is no malformed id; that it was taken is noted (NTF-04)."""
    lax_router(monkeypatch)
    result = with_sockets(stage("mixed")).run(buy("a"), LOOK, forge("id-slash-behind"), LOOK)
    assert broken(result) == []
    assert result.notes["accepted, which is not judged: id-slash-behind"] == 1


def test_a_lax_router_hides_no_lax_id(stage: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    """What stands behind an id and is not read is a violation at such a venue too, and so is a 5xx to the slash."""
    lax_router(monkeypatch)
    theatre = with_sockets(stage(faults=("id-rest-ignored",)))
    result = theatre.run(buy("a"), LOOK, forge("id-blank-behind"), LOOK)
    assert any("NTF-04" in ids for ids, _ in broken(result))
    fails = with_sockets(stage()).answers("cancel", 500, UNAUTHENTICATED, when=lambda number: number == 1)
    result = fails.run(buy("a"), LOOK, forge("id-slash-behind"), LOOK)
    assert any("NTF-04" in ids for ids, _ in broken(result))


@pytest.mark.parametrize(("vector", "sent"), [("request-method-head", False), ("request-method-put", True)])
def test_head_is_no_wrong_method_where_get_is_right(
    stage: Open, monkeypatch: pytest.MonkeyPatch, vector: str, sent: bool
) -> None:
    """Where GET cancels so does HEAD, by HTTP itself (RFC 9110, section 9.3.2); PUT that cancels is a violation."""
    dispatch = Api.dispatch

    def by_any_method(self: Api, account: str, request: Request) -> ExchangeAnswer:
        cancels = request.path.endswith(b"/cancel")
        return dispatch(self, account, replace(request, method="POST") if cancels else request)

    monkeypatch.setattr(Api, "dispatch", by_any_method)
    cancel = {"method": "GET", "path": "/api/v1/orders/{order_id}/cancel"}
    result = stage(operations={"cancel": cancel}, contract=False).run(buy("a"), LOOK, forge(vector), LOOK)
    assert [ids for ids, _ in broken(result)] == [("ERR-03",)] * sent
    assert sum(result.attacks.values()) == sent


def test_every_vector_names_a_requirement_of_the_catalogue() -> None:
    """What an attack breaks when it is accepted can be looked up."""
    assert {one.requirement for one in vectors().values()} <= set(catalogue())
