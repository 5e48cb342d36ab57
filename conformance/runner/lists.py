"""Judging lists of orders: of the active ones, with closed ones, of one market, and of another account."""

from collections.abc import Iterable

from conformance.model.order import ACTIVE, TERMINAL
from conformance.requirements import Capability
from conformance.runner.arrival import may_be_on_its_way
from conformance.runner.context import RunningPlan
from conformance.runner.memory import looked_at_later
from conformance.runner.views import judge_view, looks
from fixtures.venue.answers import OrderView

WHOLE_PAGES = frozenset({20, 25, 50, 100, 200, 250, 500, 1000})
"""Entries of a list that may be a page of a longer one: an active order that it lacks may be on the next."""

MOST_HISTORIES = 12
"""Times that a lane looks into lists with closed orders, for another account's and for its own: they grow."""


def list_orders(run: RunningPlan, account: str) -> bool:
    """Read the active orders of an account and judge every order of the plan by it; says whether it could be done."""
    run.quiet(run.venue.profile.timing.read_delay)
    for last in looks(run):
        result = run.asked(lambda: run.venue.orders(account))
        answer = run.understood(result.answer)
        run.heard("the list of active orders", result.answer)
        if answer is None or result.views is None or run.broken:
            return False
        mark = run.tracker.mark()
        _judge_list(run, account, result.views)
        if last or not run.tracker.take_back(mark):
            return True
    return True


def _judge_list(run: RunningPlan, account: str, views: tuple[OrderView, ...]) -> None:
    tracker = run.tracker
    shown = {view.order_id: view for view in views}
    if len(shown) != len(views):
        tracker.breaks(
            f"the list of {account}",
            "each order once",
            f"{len(views)} entries, {len(shown)} orders",
            ("CXL-08",),
            kind="an order is listed twice",
        )
        return
    ours = {order.order_id for order in tracker.orders.values()}
    for order_id, view in shown.items():
        if order_id not in ours:
            _judge_stranger(run, account, view)
    _judge_owners(run, account, shown, f"the list of {account}")
    for name, order in tracker.orders.items():
        if order.terms.account != account:
            continue
        if order.order_id in shown:
            judge_view(run, name, shown[order.order_id], listed=True)
        elif not _judge_missing(run, name, len(shown), f"the list of {account}"):
            return


def _judge_missing(run: RunningPlan, name: str, entries: int, what: str) -> bool:
    """Judge that a list of active orders does not show an order; says whether the plan goes on.

    An order that is surely active may be on the next page of the list, or on its way to the book: no finding, then.
    """
    if run.surely_active(name):
        if entries in WHOLE_PAGES:
            run.result.trouble = (
                f"{what} has exactly {entries} entries, without {name}: it may be a page of a longer one. Ask for more "
                "in [operations.list.query], or keep limits.open_orders below a page"
            )
            return False
        if may_be_on_its_way(run, name):
            return False
    return run.tracker.judge_absence(name, until=run.until())


def _judge_stranger(run: RunningPlan, account: str, view: OrderView) -> None:
    """An active order that this plan did not place: one that an earlier plan closed has come back to life (CXL-03)."""
    closed = run.memory.by_id.get(view.order_id)
    if closed is None or view.status not in ACTIVE:
        return
    run.tracker.breaks(
        f"the list of {account}",
        f"no order that was seen {closed.seen.status}",
        f"an order of an earlier plan, {view.status}",
        ("CXL-03",),
        kind="a closed order is active again",
    )
    run.result.suspect = looked_at_later(closed.plan)


def other_lists(run: RunningPlan, account: str) -> None:
    """Judge the plan's orders by the account's other lists too, where one of them has ended (CXL-03, CXL-08).

    They are the list with closed orders, and that of the market of the last that ended. An order that is not in the
    former is not judged: nothing says for how long closed ones are kept.
    """
    own = [name for name, order in run.tracker.orders.items() if order.terms.account == account]
    ended = [name for name in own if (last := run.tracker.orders[name].last) is not None and last.status in TERMINAL]
    if Capability.LIST not in run.offered or run.memory.other_lists >= MOST_HISTORIES or not ended:
        return
    run.memory.other_lists += 1
    if run.venue.lists_one_market:
        market = run.tracker.orders[ended[-1]].terms.market
        _other_list(run, account, [name for name in own if run.tracker.orders[name].terms.market == market], market)
    if not run.broken:
        _other_list(run, account, own)


def _other_list(run: RunningPlan, account: str, names: list[str], market: str | None = None) -> None:
    """Judge orders by the list of one market's active ones, or by that of all with closed ones."""
    run.quiet(run.venue.profile.timing.read_delay)
    for last in looks(run):
        result = run.asked(lambda: run.venue.orders(account, include_closed=market is None, only=market))
        if run.understood(result.answer) is None or result.views is None or run.broken:
            return
        mark = run.tracker.mark()
        shown = {view.order_id: view for view in result.views}
        what = f"the list of {account} with closed orders" if market is None else f"the list of {account} in {market}"
        _judge_owners(run, account, shown, what)
        for name in names:
            if run.broken:
                break
            view = shown.get(run.tracker.orders[name].order_id)
            if view is not None:
                judge_view(run, name, view, listed=market is not None)
            elif market is not None:
                _judge_missing(run, name, len(shown), what)
        if last or not run.tracker.take_back(mark):
            return


def judge_history(run: RunningPlan, name: str, caller: str) -> None:
    """Look into another account's list with its closed orders for an order that has ended (NTF-07)."""
    if (
        run.broken
        or Capability.LIST not in run.offered
        or run.memory.histories >= MOST_HISTORIES
        or not all(state.status in TERMINAL for state in run.tracker.belief.states(name))
    ):
        return
    run.memory.histories += 1
    result = run.asked(lambda: run.venue.orders(caller, include_closed=True))
    if run.understood(result.answer) is not None and result.views is not None:
        _judge_owners(run, caller, {view.order_id for view in result.views}, f"the list of {caller} with closed orders")


def _judge_owners(run: RunningPlan, account: str, shown: Iterable[str], what: str) -> None:
    """No order of the plan that another account placed is in an account's own list (NTF-07)."""
    names = {order.order_id: name for name, order in run.tracker.orders.items()}
    for name in (names[order_id] for order_id in shown if order_id in names):
        owner = run.tracker.orders[name].terms.account
        if owner != account:
            kind = "another account's order is listed"
            run.tracker.breaks(what, "the account's own orders", f"{name} of {owner}", ("NTF-07",), kind=kind)
