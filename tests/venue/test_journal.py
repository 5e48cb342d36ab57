"""The journal knows every order that may exist, whatever happens to the run, and the lock keeps two runs apart."""

import json
import subprocess
import sys
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from conformance.errors import UserError
from conformance.model.order import Side, Terms
from fixtures.profiles import Profile
from fixtures.venue import BudgetSpent, Desk, Placed, Unknown, Venue
from fixtures.venue.journal import Journal, Leftover, leftovers, settle, state_directory

TERMS = Terms(account="primary", market="BTC-USDT", side=Side.BUY, quantity=Decimal("1"), price=Decimal("100.00"))
URL = "http://127.0.0.1:9"


def test_an_order_is_in_the_journal_before_it_is_sent(
    serve: Callable[..., Any], profile_at: Callable[..., Profile], reply: Callable[..., bytes]
) -> None:
    """At the moment the target sees the request, the file already holds the client id that the request carries."""
    seen: list[str] = []
    folders: list[Path] = []

    def look(connection: Any) -> None:
        seen.extend(left.client_id for left in leftovers(folders[0]))
        connection.sendall(reply(200, {"data": {"orderId": "o-1"}, "error": False}))

    server = serve(look)
    with Desk(profile_at(server.base_url)) as desk, Venue(desk.profile, desk=desk) as venue:
        folders.append(desk.folder)
        placed = venue.place(TERMS)
        assert placed.order_id == "o-1"
        assert seen == [placed.client_id]
        assert json.loads(server.requests[0].split(b"\r\n\r\n")[1])["clientOrderId"] == placed.client_id
        left = Leftover(run=desk.run, account="primary", market="BTC-USDT", client_id=placed.client_id, order_id="o-1")
        assert leftovers(desk.folder) == (left,)


@pytest.mark.parametrize(
    ("answer", "open_count"),
    [
        pytest.param((200, {"data": {"orderId": "o-1"}, "error": False}), 1, id="accepted"),
        pytest.param((400, {"error": {"code": 400}}), 0, id="refused"),
        pytest.param((500, {"error": {"code": 500}}), 1, id="server error: it may exist"),
        pytest.param((200, {"data": {}, "error": False}), 1, id="accepted without an id: it may exist"),
        pytest.param(None, 1, id="answer lost: it may exist"),
    ],
)
def test_what_may_exist_stays_in_the_journal(
    serve: Callable[..., Any], venue_at: Callable[..., Venue], reply: Callable[..., bytes], answer: Any, open_count: int
) -> None:
    """Only a refusal proves that there is no order."""
    server = serve(reply(*answer) if answer else lambda connection: None)
    venue = venue_at(server.base_url)
    venue.place(TERMS)
    assert venue.desk.journal.open_count == open_count


@pytest.mark.parametrize(("code", "open_count"), [(7, 0), (0, 1)])
def test_a_refusal_in_200_leaves_no_entry(
    serve: Callable[..., Any], venue_at: Callable[..., Venue], reply: Callable[..., bytes], code: int, open_count: int
) -> None:
    """The code in the body says that nothing was placed; one of success without an id says that something was."""
    answers = {
        "code": ["/code"],
        "accepted": {"status": [200], "code": [0]},
        "not_found": {"status": [200], "code": [7]},
    }
    venue = venue_at(serve(reply(200, {"code": code})).base_url, answers=answers, contract=False)
    venue.place(TERMS)
    assert venue.desk.journal.open_count == open_count


def test_an_order_that_was_never_sent_leaves_nothing(venue_at: Callable[..., Venue]) -> None:
    """A refused connection proves that nothing was placed; the journal's file goes when the desk closes."""
    venue = venue_at(URL)
    assert isinstance(venue.place(TERMS).answer, Unknown)
    assert venue.desk.journal.open_count == 0
    venue.close()
    assert list(venue.desk.folder.glob("orders-*")) == []


def test_a_terminal_status_in_any_read_closes_the_entry(
    serve: Callable[..., Any], venue_at: Callable[..., Venue], reply: Callable[..., bytes]
) -> None:
    """Reading an order or a list that shows it over takes it out; an active status does not."""

    def order(status: str) -> bytes:
        return reply(200, {"data": {"order": {"id": "o-1", "status": status}}, "error": False})

    placed = reply(200, {"data": {"orderId": "o-1"}, "error": False})
    venue = venue_at(serve(placed, order("pendingcancel"), order("cancelled")).base_url)
    venue.place(TERMS)
    venue.order("primary", "o-1")
    assert venue.desk.journal.placed_here("o-1")
    venue.order("primary", "o-1")
    assert venue.desk.journal.open_count == 0


def test_client_ids_never_repeat(
    serve: Callable[..., Any], profile_at: Callable[..., Profile], reply: Callable[..., bytes]
) -> None:
    """Two runs, and siblings of one run, give every order a client id of its own; a given one is kept."""
    server = serve(reply(200, {"data": {"orderId": "o-1"}, "error": False}))
    profile = profile_at(server.base_url)
    ids: list[str] = []
    for _ in range(2):
        with Desk(profile) as desk, Venue(profile, desk=desk) as venue, venue.sibling() as other:
            ids += [lane.place(TERMS).client_id for lane in (venue, other, venue)]
    assert len(set(ids)) == 6


def test_a_journal_survives_a_cut_line(tmp_path: Path) -> None:
    """A run killed in the middle of a line loses that line only; settling appends after it."""
    journal = Journal(tmp_path, "aa")
    journal.intent("primary", "M", "c-1")
    journal.placed("c-1", "o-1")
    journal.intent("primary", "M", "c-2")
    journal.close()
    journal.path.write_text(journal.path.read_text() + '{"entry":"intent","client_id":"c-')
    first, second = leftovers(tmp_path)
    assert (first.order_id, second.client_id, second.order_id) == ("o-1", "c-2", None)
    settle(tmp_path, [first])
    assert leftovers(tmp_path) == (second,)
    settle(tmp_path, [second])
    assert list(tmp_path.iterdir()) == []


def test_the_state_directory_can_be_chosen(
    profile_at: Callable[..., Profile], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An argument comes before the environment variable; a folder that cannot be made is a clear error."""
    profile = profile_at(URL)
    assert state_directory(profile).parent == tmp_path / "state"
    assert state_directory(profile, tmp_path / "mine").parent == tmp_path / "mine"
    assert state_directory(profile) != state_directory(profile_at("http://127.0.0.1:10"))
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("CANCEL_CONFORMANCE_STATE", str(tmp_path / "file"))
    with pytest.raises(UserError, match=r"state directory .* cannot be made: .*Set CANCEL_CONFORMANCE_STATE"):
        state_directory(profile)


def test_two_runs_on_one_account_refuse_each_other(profile_at: Callable[..., Profile]) -> None:
    """The second is told which process and run hold the account; other accounts are free; closing gives it back."""
    profile = profile_at(URL)
    with Desk(profile) as first, Desk(profile) as second, Venue(profile, desk=first) as venue:
        first.lock(venue.account_keys["primary"])
        second.lock(venue.account_keys["counterparty"])
        with pytest.raises(UserError, match=rf"'primary' is in use by another run \(process \d+, run {first.run}"):
            second.lock(venue.account_keys["primary"])
        first.close()
        second.lock(venue.account_keys["primary"])


@pytest.mark.parametrize(
    "other", ["http://localhost:9", "HTTP://127.0.0.1:9/", "http://[::1]:9", "http://127.1.2.3:9/"]
)
def test_one_place_under_two_names_is_one(profile_at: Callable[..., Profile], other: str) -> None:
    """A run that spells the URL otherwise finds the account held, and the journals of the first."""
    with Desk(profile_at(URL)) as first, Desk(profile_at(other)) as second, Venue(first.profile, desk=first) as venue:
        assert second.folder == first.folder
        first.lock(venue.account_keys["primary"])
        with pytest.raises(UserError, match="in use by another run"):
            second.lock(venue.account_keys["primary"])


def test_another_port_is_another_place(profile_at: Callable[..., Profile]) -> None:
    """Two targets of one machine may know the same key id."""
    with (
        Desk(profile_at(URL)) as first,
        Desk(profile_at("http://127.0.0.1:10")) as second,
        Venue(first.profile, desk=first) as venue,
    ):
        assert second.folder != first.folder
        first.lock(venue.account_keys["primary"])
        second.lock(venue.account_keys["primary"])


def test_a_killed_run_releases_its_lock(profile_at: Callable[..., Profile], state: Path, pem: str) -> None:
    """After kill -9 of the holder the account is free at once, and the lock file names no key."""
    profile = profile_at(URL)
    with Desk(profile) as desk, Venue(profile, desk=desk) as venue:
        account = venue.account_keys["primary"]
        code = (
            "import sys, time; from pathlib import Path; from types import SimpleNamespace as N;"
            "from fixtures.venue.locks import AccountLock;"
            "key = N(key_id='key-of-primary', token=None);"
            "lock = AccountLock(Path(sys.argv[1]), N(name='primary', key=key), 'killed', place=sys.argv[2]);"
            "lock.__enter__();"
            "print('held', flush=True); time.sleep(60)"
        )
        child = subprocess.Popen(
            [sys.executable, "-c", code, str(desk.folder.parent), desk.place],
            stdout=subprocess.PIPE,
            cwd=Path(__file__).parents[2],
        )
        try:
            assert child.stdout is not None
            assert child.stdout.readline() == b"held\n"
            with pytest.raises(UserError, match=rf"process {child.pid}, run killed"):
                desk.lock(account)
            child.kill()
            child.wait()
            desk.lock(account)
        finally:
            child.kill()
            child.communicate()
        assert all("key-of-primary" not in path.read_text() for path in desk.folder.parent.glob("*.lock"))


def test_open_orders_are_bounded_and_recounted(
    serve: Callable[..., Any], venue_at: Callable[..., Venue], reply: Callable[..., bytes]
) -> None:
    """At the bound the list is read: what is not active any more makes room, and otherwise the budget is spent."""

    def placed(number: int) -> bytes:
        return reply(200, {"data": {"orderId": f"o-{number}"}, "error": False})

    def listed(*ids: str) -> bytes:
        orders = [{"id": order_id, "status": "submitted"} for order_id in ids]
        return reply(200, {"data": {"orders": orders}, "error": False})

    server = serve(
        placed(1), placed(2), listed("o-2"), listed("o-2"), placed(3), listed("o-2", "o-3"), listed("o-2", "o-3")
    )
    venue = venue_at(server.base_url, limits={"open_orders": 2})
    results: list[Placed] = [venue.place(TERMS) for _ in range(3)]
    assert [result.order_id for result in results] == ["o-1", "o-2", "o-3"]
    with pytest.raises(BudgetSpent, match="2 orders of this run are open"):
        venue.place(TERMS)


def test_an_order_above_the_notional_bound_is_not_sent(
    serve: Callable[..., Any], venue_at: Callable[..., Venue], reply: Callable[..., bytes]
) -> None:
    """Quantity x price above the profile's bound raises before anything leaves."""
    server = serve(reply(400, {}))
    venue = venue_at(server.base_url, limits={"order_notional": "99.99"})
    with pytest.raises(BudgetSpent, match=r"notional 100\.00 is above the allowed 99\.99"):
        venue.place(TERMS)
    assert server.requests == []
    assert venue.desk.journal.open_count == 0
