"""A plan's actions and what the model held possible, in the words that proofs, pictures and pages share."""

from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from conformance.model.amounts import plain
from conformance.model.prediction import describe
from conformance.model.rules import VenueRules
from conformance.model.worlds import Belief
from conformance.plans import PRIMARY

MOST_STATES = 6
"""Possible states of one order that are spelled out; there are more only after many lost answers."""


def action_text(action: Mapping[str, Any]) -> str:
    """One action of a plan as a short sentence without a full stop; an action unknown here is shown by its name."""
    say = _SENTENCES.get(str(action.get("do")))
    return say(action) if say is not None else str(action.get("do", "?"))


def _account(action: Mapping[str, Any], word: str = "as") -> str:
    account = action.get("account")
    return f" {word} {account}" if account and account != PRIMARY else ""


def _amount(value: object) -> str:
    """An amount as people write it; one that is no number is shown as it stands."""
    try:
        return plain(Decimal(str(value)))
    except InvalidOperation:
        return str(value)


def _place(action: Mapping[str, Any]) -> str:
    price = f" at {_amount(action['price'])}" if action.get("price") is not None else ", market order"
    life = str(action.get("time_in_force", "gtc"))
    words = [f"place {action['order']}: {action['side']} {_amount(action['quantity'])} {action['market']}{price}"]
    words += [life] if life != "gtc" else []
    words += ["post-only"] if action.get("post_only") else []
    if action.get("client_id_length"):
        words.append(f"client id of {action['client_id_length']} characters")
    return ", ".join(words) + _account(action)


def _hold(action: Mapping[str, Any]) -> str:
    return f"{'hold market orders' if action['held'] else 'let held market orders execute'} in {action['market']}"


def _forge(action: Mapping[str, Any]) -> str:
    order = f" of {action['order']}" if action.get("order") else ""
    order = f" of {action['order_id']}" if action.get("order_id") else order
    values = ", ".join(f"{name} {value}" for _, name, value in action.get("values") or ())
    flaws = " + ".join(action["vectors"]) + (f" ({values})" if values else "")
    return f"send a flawed {action['operation'].replace('_', '-')}{order}{_account(action)}: {flaws}"


def _send(action: Mapping[str, Any]) -> str:
    left_out = [part for part in ("key", "signature") if part not in action.get("credentials", ())]
    without = f", without {' and '.join(left_out)}" if left_out else ""
    body = f", with a body of {len(action['body'])} bytes" if action.get("body") else ""
    return f"send {action['method']} {action['target']}{_account(action)}{without}{body}"


def _parallel(action: Mapping[str, Any]) -> str:
    return "at once: " + " | ".join(action_text(call) for call in action["calls"])


_SENTENCES: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "begin": lambda _: "read the balances before the plan",
    "place": _place,
    "fill": lambda a: f"make {a['order']} trade {_amount(a['quantity'])}",
    "expire": lambda a: f"let {a['order']} expire",
    "hold-market": _hold,
    "cancel": lambda a: f"cancel {a['order']}{_account(a)}",
    "cancel-unknown": lambda a: f"cancel an order that does not exist{_account(a)}",
    "cancel-all": lambda a: f"cancel all orders{_account(a, 'of')}",
    "read": lambda a: f"read {a['order']}{_account(a)}",
    "snapshot": lambda _: "read orders and balances",
    "settle": lambda _: "wait until no cancel is pending",
    "wait": lambda a: f"wait {a['seconds']} s",
    "clean-up": lambda _: "cancel what is still open",
    "forge": _forge,
    "parallel": _parallel,
    "send": _send,
}


def held_possible(belief: Belief) -> dict[str, list[str]]:
    """What each order could be, in words, by the order's name in the plan."""
    held = {}
    for name in sorted(belief.names(), key=_natural):
        states = sorted({describe(state) for state in belief.states(name)})
        more = [f"and {len(states) - MOST_STATES} more"] if len(states) > MOST_STATES else []
        held[name] = [*states[:MOST_STATES], *more]
    return held


def locked_possible(belief: Belief, rules: VenueRules) -> dict[str, dict[str, str]]:
    """What the orders of each account may lock together: an amount, or two bounds, by account and asset."""
    accounts = dict.fromkeys(state.terms.account for name in belief.names() for state in belief.states(name)[:1])
    return {
        account: {asset: str(span) for asset, span in sorted(belief.locked(account, rules).items())}
        for account in accounts
    }


def _natural(name: str) -> tuple[str, int, str]:
    """Order ``o9`` before ``o10``."""
    head = name.rstrip("0123456789")
    tail = name[len(head) :]
    return head, int(tail or -1), name
