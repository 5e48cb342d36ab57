"""Opening a run: a target that cannot be used is explained, accounts are guarded, and nothing is left behind."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

import pytest

from conformance.engine.levels import LEVELS, LevelName
from conformance.engine.session import check_reachable, ground_of, missing_reasons, open_session, refuse_foreign_orders
from conformance.errors import UnreachableError, UserError
from conformance.model.order import Side, Terms
from conformance.plans import Forge, Plan, Wait
from conformance.requirements import Capability
from fixtures.embedded import embedded_target
from fixtures.exchange import ExchangeProcess, ExchangeSettings
from fixtures.profiles import Profile
from fixtures.venue import Venue
from tests.runner.actions import buy
from tests.runner.stage import Stage

SMOKE = LEVELS[LevelName.SMOKE]


@pytest.fixture(scope="module")
def target() -> Iterator[tuple[Profile, ExchangeProcess]]:
    """A running exchange with accounts for two lanes, and its profile."""
    with embedded_target(ExchangeSettings(), lanes=2) as (profile, exchange):
        yield profile, exchange


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Callable[..., Stage]]:
    """Opens an exchange in this process whose answers follow a script."""
    opened: list[Stage] = []

    def open_stage(**tables: object) -> Stage:
        opened.append(Stage(tmp_path / f"state-{len(opened)}", ExchangeSettings(), tables))
        return opened[-1]

    yield open_stage
    for one in opened:
        one.venue.close()
        one.desk.close()


UNUSABLE = [
    # (status, body, kind of error, words of the message)
    (200, b"<html><body>It works!</body></html>", UserError, ["not what the profile says", "It works!", "base URL"]),
    (200, b'{"data":{"balances":[{"asset":', UserError, ["not what the profile says"]),
    (200, b"\xff\xfe\x00garbage", UserError, ["not what the profile says"]),
    (200, b"[]", UserError, ["not what the profile says", "HTTP 200"]),
    (301, b"", UserError, ["not what the profile says", "HTTP 301"]),
    (404, b'{"error":{"code":404,"message":"no such path"}}', UserError, ["HTTP 404", "no such path"]),
    (401, b'{"error":{"code":401,"message":"who are you"}}', UserError, ["accounts.primary", "who are you"]),
    (500, b'{"error":{"code":500,"message":"oh"}}', UserError, ["HTTP 500"]),
]


@pytest.mark.parametrize(("status", "body", "kind", "words"), UNUSABLE)
def test_an_answer_that_cannot_be_used_is_explained(
    stage: Callable[..., Stage], status: int, body: bytes, kind: type[UserError], words: list[str]
) -> None:
    """The first signed request must be understood: else the message says what was asked, what came and what to do."""
    opened = stage()
    opened.answers("balances", status, body)
    with pytest.raises(kind) as refused:
        check_reachable(opened.venue)
    assert [word for word in words if word not in refused.value.message] == []
    assert "GET /api/v1/accounts/balance at stage.invalid" in refused.value.message


def test_a_target_that_never_answers_is_unreachable(stage: Callable[..., Stage]) -> None:
    """A target whose answers are lost is told from one that answers wrongly: nothing was judged (status 3)."""
    opened = stage()
    opened.loses("balances", arrives=True)
    with pytest.raises(UnreachableError, match="no answer to GET /api/v1/accounts/balance"):
        check_reachable(opened.venue)


def test_one_lost_answer_does_not_make_a_target_unreachable(stage: Callable[..., Stage]) -> None:
    """A read whose answer was lost on the way is made again before the target is given up."""
    opened = stage()
    opened.loses("balances", arrives=True, when=lambda n: n == 1)
    check_reachable(opened.venue)
    assert opened.asked["balances"] == 2


def test_a_dead_server_is_unreachable(target: tuple[Profile, ExchangeProcess], tmp_path: Path) -> None:
    """Where nothing listens the message names the base URL's key and says how to go on."""
    profile, _ = target
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(UnreachableError, match=r"target.base_url: .*refused"), opened(at(profile, port), tmp_path):
        pytest.fail("a run began without a target")


def test_a_server_that_hangs_up_is_unreachable(target: tuple[Profile, ExchangeProcess], tmp_path: Path) -> None:
    """A server that closes each connection without a word is no target, and is said to be none."""
    profile, _ = target
    with (
        hanging_up() as port,
        pytest.raises(UnreachableError, match=r"target.base_url"),
        opened(at(profile, port), tmp_path),
    ):
        pytest.fail("a run began without a target")


def at(profile: Profile, port: int) -> Profile:
    """The profile of a target that listens elsewhere."""
    elsewhere = profile.target.model_copy(update={"base_url": f"http://127.0.0.1:{port}"})
    return profile.model_copy(update={"target": elsewhere})


@contextmanager
def hanging_up() -> Iterator[int]:
    """A server that accepts connections and closes them; its port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def accept() -> None:
            while True:
                try:
                    listener.accept()[0].close()
                except OSError:
                    return

        threading.Thread(target=accept, daemon=True).start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)


@contextmanager
def opened(profile: Profile, folder: Path, **options: object) -> Iterator[object]:
    """A session with a state folder of its own."""
    with open_session(profile, level=SMOKE, seed=1, state=folder, **options) as explorer:  # type: ignore[arg-type]  # options of a session
        yield explorer


def test_foreign_orders_are_not_cancelled_by_accident(stage: Callable[..., Stage]) -> None:
    """An account with an active order that this run did not place is refused, with the account and an id."""
    ours, theirs = stage(), stage()
    theirs.service = ours.service
    placed = theirs.venue.place(resting())
    assert placed.order_id is not None
    with pytest.raises(UserError, match=f"accounts.primary has 1 active orders .* {placed.order_id}"):
        refuse_foreign_orders(ours.venue)
    theirs.venue.cancel("primary", placed.order_id)
    refuse_foreign_orders(ours.venue)


def test_our_own_orders_are_no_strangers(stage: Callable[..., Stage]) -> None:
    """What this run placed itself does not stop it."""
    opened = stage()
    opened.venue.place(resting())
    refuse_foreign_orders(opened.venue)


def resting(number: int = 0) -> Terms:
    """An order that rests."""
    return Terms(account="primary", market="BTC-USDT", side=Side.BUY, quantity=Decimal(1), price=Decimal(900 + number))


def test_a_session_leaves_nothing_open(target: tuple[Profile, ExchangeProcess], tmp_path: Path) -> None:
    """Whatever ends a run, the orders that it placed are cancelled on the way out."""
    profile, exchange = target
    exchange.control.reset(cancel_mode="delayed", delay_ms=[5, 10])

    def interrupted() -> None:
        with open_session(profile, level=SMOKE, seed=1, state=tmp_path) as explorer:
            venue: Venue = explorer.lanes.lanes[0].venue
            for number in range(3):
                venue.place(resting(number))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    orders = exchange.control.state()["orders"]
    assert set(orders) == {"cancelled"}
    assert orders["cancelled"] == 3


def test_lanes_are_bounded_by_the_accounts(target: tuple[Profile, ExchangeProcess], tmp_path: Path) -> None:
    """With accounts for two lanes, four that are asked for are two, each with accounts and markets of its own."""
    profile, exchange = target
    exchange.control.reset(cancel_mode="immediate")
    with open_session(profile, level=SMOKE, seed=1, lanes=4, state=tmp_path) as explorer:
        lanes = explorer.lanes.lanes
        assert [lane.number for lane in lanes] == [1, 2]
        names = [account.name for lane in lanes for account in lane.venue.account_keys.values()]
        assert len(set(names)) == len(names)
        explorer.run([Plan(actions=(buy(f"o{number}"),)) for number in range(6)])
        assert explorer.record.plans == 6
        assert not explorer.record.findings
    assert set(exchange.control.state()["orders"]) == {"cancelled"}


def test_two_runs_do_not_share_accounts(target: tuple[Profile, ExchangeProcess], tmp_path: Path) -> None:
    """A second run on the same accounts is refused while the first one lasts."""
    profile, _ = target
    with opened(profile, tmp_path), pytest.raises(UserError, match="run"), opened(profile, tmp_path):
        pytest.fail("two runs share an account")


def test_the_ground_is_what_the_target_offers(stage: Callable[..., Stage]) -> None:
    """Markets, funds and abilities of plans are those of the profile and of the accounts, as they are now."""
    ground = ground_of(stage().venue)
    assert [market.name for market in ground.markets] == ["BTC-USDT", "ETH-EUR", "DOGE-USDT"]
    assert ground.available["primary", "USDT"] == Decimal(1_000_000)
    assert ground.accounts[0] == "primary"
    assert ground.can(Capability.CANCEL_ALL, Capability.FILL, Capability.HOLD_MARKET)
    assert ground.many >= 51


def test_missing_capabilities_are_named_by_requirement(target: tuple[Profile, ExchangeProcess]) -> None:
    """Each requirement that a target cannot exercise says which capabilities it lacks."""
    profile, _ = target
    assert set(missing_reasons(profile)) == {"SIG-15", "SIG-16", "SIG-17"}  # they speak of other schemes
    assert missing_reasons(profile)["SIG-15"] == "it does not apply to the target's scheme: no ed25519-signatures"
    without = profile.model_copy(update={"drivers": profile.drivers.model_copy(update={"fill": None})})
    reasons = missing_reasons(without)
    assert reasons["CXL-02"] == "the target does not offer: fill"
    assert "CXL-01" not in reasons


def test_a_plan_goes_to_the_lane_that_has_its_keys(target: tuple[Profile, ExchangeProcess], tmp_path: Path) -> None:
    """An attack with a revoked key, which only the first lane's account has, is made there and never passed over."""
    profile, exchange = target
    exchange.control.reset()
    revoked = Forge(operation="cancel", vectors=("other-key-revoked-own-id",), order="a")
    plans = [Plan(actions=(buy("a"), revoked, Wait(seconds=number / 1000))) for number in range(1, 9)]
    with open_session(profile, level=SMOKE, seed=1, lanes=2, state=tmp_path) as explorer:
        for result in explorer.lanes.run_all(plans, lambda: True):
            assert (result.violations, result.attacks.total()) == ([], 1)
        assert len(explorer.lanes.lanes) == 2
