"""Plans that attack: batches of forged requests about orders of a known state, with a correct one before and after.

A dead key must not look like perfect rejection: every batch begins and ends with a correct cancel that must be
accepted. The attacks of a batch test one requirement, so that one that is broken does not hide another.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import cycle, islice
from random import Random

from conformance.model.order import TimeInForce
from conformance.plans import (
    COUNTERPARTY,
    Action,
    Cancel,
    CancelAll,
    CancelUnknown,
    Expire,
    Fill,
    Forge,
    Place,
    Plan,
    Settle,
    Snapshot,
)
from conformance.requirements import Capability
from fixtures.attacks.batteries import attack_sequence
from fixtures.attacks.files import DOCUMENTED_TRAITS, select, vector
from fixtures.attacks.vectors import Attack, AttackVector, Expectation, attack, compatible
from strategies.cells import UNKNOWN_IDS, Scene, scenes, state_actions
from strategies.grounds import Ground

BATCH = 14
"""Attacks of one plan: enough to make the reads around them cheap, few enough to find the guilty one quickly."""

STATES = ("open", "partially filled", "open")
"""The states of the attacked order, in turns."""

MAY_ACT = frozenset({Expectation.ACCEPTED, Expectation.UNJUDGED, Expectation.SAME_OR_REFUSED})
"""Attacks that a conformant target may carry out: each gets an order of its own."""

CORRECT = "correct"
"""The vector without a flaw."""


def battery(
    requirement: str | None = None,
    *,
    count: int,
    seed: int,
    operation: str = "cancel",
    file: str | None = None,
    attack_class: str | tuple[str, ...] | None = None,
    also: Sequence[AttackVector] = (),
    uuids: bool = True,
    traits: frozenset[str] = DOCUMENTED_TRAITS,
) -> list[Attack]:
    """The first ``count`` attacks on an operation, the same for the same seed; controls are left out.

    Each vector comes once as it stands, the classes taking turns; then other values of what they leave open, and pairs.
    Where order ids may be no ``uuids``, most are such as apply to any id, and come first. ``traits`` are those of the
    target's scheme: only what can be a flaw of such a signature is tried.
    """
    fitting = select(requirement=requirement, operation=operation, file=file, attack_class=attack_class, traits=traits)
    chosen = [*fitting, *also]
    flaws = [one for one in chosen if one.expect is not Expectation.ACCEPTED]
    if uuids or not any(one.of_uuids for one in flaws):
        return list(islice(attack_sequence(seed=seed, of=flaws), count))
    any_id = islice(attack_sequence(seed=seed, of=[one for one in flaws if not one.of_uuids]), count - count // 3)
    uuid = islice(attack_sequence(seed=seed, of=[one for one in flaws if one.of_uuids]), count // 3)
    return [*any_id, *uuid]


def couples(
    *, count: int, seed: int, operation: str = "cancel", traits: frozenset[str] = DOCUMENTED_TRAITS
) -> list[Attack]:
    """Up to ``count`` distinct attacks of two flaws each, either enough for a refusal; the same for the same seed."""
    flaws = [one for one in select(file="signatures", operation=operation, traits=traits) if one.pairable]
    found: dict[str, Attack] = {}
    random = Random(seed)
    for _ in range(20 * count):
        if len(found) == count:
            break
        first, second = random.sample(flaws, 2)
        if compatible(first, second):
            drawn = [(one.id, each.name, each.draw(random)) for one in (first, second) for each in one.parameters]
            couple = Attack(vectors=(first, second), values=tuple(drawn))
            found.setdefault(couple.name, couple)
    return list(found.values())


def forged(one: Attack, operation: str, *, order: str | None = None, order_id: str | None = None) -> Forge:
    """The action that sends an attack."""
    return Forge(
        operation=operation,
        vectors=tuple(each.id for each in one.vectors),
        values=one.values,
        order=order,
        order_id=order_id,
    )


def attack_plans(
    ground: Ground, attacks: Iterable[Attack], *, operation: str = "cancel", size: int = BATCH, title: str = ""
) -> list[Plan]:
    """Plans of up to ``size`` attacks each, on an order in one of :data:`STATES`.

    Attacks that may be carried out have an order of their own each; a forged placing repeats the terms of the order.
    """
    places, states = scenes(ground), cycle(STATES)
    size = max(1, min(size, ground.most_open - 6))  # beside the order of the state, and those of other accounts
    return [
        Plan(
            title=f"{title or 'attacks'} on {operation.replace('_', '-')}",
            actions=tuple(_batch(ground, next(places), next(states), batch, operation)),
        )
        for batch in _batches(attacks, size)
    ]


def _batch(ground: Ground, scene: Scene, state: str, batch: Sequence[Attack], operation: str) -> Iterator[Action]:
    if COUNTERPARTY in ground.accounts:
        yield foreign_order(ground, scene)
    yield from (state_actions(state, scene, ground) or [scene.place("a"), Snapshot()])[:-1]
    small = scene.market.on_grid(scene.quantity / 8)
    yield scene.place("before", quantity=small)
    yield scene.place("after", quantity=small)
    own = {number: f"o{number}" for number, one in enumerate(batch) if one.expect in MAY_ACT and operation == "cancel"}
    for name in own.values():
        yield scene.place(name, quantity=small)
    yield Snapshot()
    yield _correct("before")
    for number, one in enumerate(batch):
        if operation == "cancel_all" and one.expect in MAY_ACT:
            yield scene.place(f"o{number}", quantity=small)
        about = own.get(number, "a") if operation in ("cancel", "read", "place") else None
        yield forged(one, operation, order=about)
    yield Snapshot()
    if operation == "cancel_all":
        yield CancelAll()
        yield Snapshot()
        yield scene.place("last", quantity=small)
        yield _correct("last")
    else:
        yield _correct("after")


NAMELESS = ("id-empty", "id-zero", "id-minus-one", "id-null", "id-dot", "id-empty")
"""Ids that name nothing, and may stand for whatever order is the newest."""


def newest_orders(ground: Ground) -> Plan:
    """Ids that name nothing, each sent straight behind a new order: none may stand for it (NTF-04)."""
    scene = next(scenes(ground))
    small = scene.market.on_grid(scene.quantity / 8)
    actions: list[Action] = []
    for number, name in enumerate(2 * NAMELESS):
        actions += [scene.place(f"o{number}", quantity=small)]
        actions += [forged(attack(vector(name)), "cancel", order=f"o{number}")]
    return Plan(title="malformed ids behind new orders", actions=(*actions, Snapshot()))


def _correct(order: str) -> Forge:
    return Forge(operation="cancel", vectors=(CORRECT,), order=order)


def foreign_order(ground: Ground, scene: Scene, name: str = "f") -> Place:
    """A small resting order of another account, far enough from the scene's orders not to trade with them."""
    market, side = scene.market, scene.side
    price = market.resting_price(side, 40)
    return Place(
        order=name,
        account=COUNTERPARTY,
        market=market.name,
        side=side,
        price=price,
        quantity=market.on_grid(scene.quantity / 8),
    )


def control_plans(ground: Ground) -> list[Plan]:
    """Correct cancels in every guise: as documented, and with header names and lines that HTTP says are the same."""
    guises = [attack(one) for one in select(operation="cancel", expect=Expectation.ACCEPTED)]
    plans = attack_plans(ground, guises, title="correct requests")
    reads = [Forge(operation=name, vectors=(CORRECT,)) for name in _account_reads(ground)]
    scene = next(scenes(ground))
    actions: list[Action] = [scene.place("a"), Snapshot(), *reads]
    if Capability.READ in ground.abilities:
        actions.append(Forge(operation="read", vectors=(CORRECT,), order="a"))
    again = (Settle(), Cancel(order="a"), Snapshot())  # the very same request once more: its signature is still right
    return [*plans, Plan(title="correct reads", actions=(*actions, _correct("a"), Snapshot(), *again))]


def _account_reads(ground: Ground) -> Iterator[str]:
    if Capability.LIST in ground.abilities:
        yield "list"
    if Capability.BALANCES in ground.abilities:
        yield "balances"


WITHOUT_CREDENTIALS = (
    ("key-id-missing", "signature-missing"),
    ("key-id-unknown",),
    ("signature-missing",),
    ("signature-bit-flip",),
    ("other-key-unregistered",),
    ("key-id-missing",),
    ("other-key-revoked-own-id",),
    ("payload-empty",),
)
"""Callers without valid credentials, as vectors: the answer to them must not depend on the order (SIG-10)."""


REFUSALS = ("signature-missing", "key-id-missing", "id-quote-behind", "id-letter", "request-method-get", "id-one-bit")
"""A flaw for each kind of refusal that an exchange knows."""


def refusal_plans(ground: Ground) -> list[Plan]:
    """Every kind of answer within one plan: successes, and a refusal of each kind, twice (ERR-02, ERR-04, SIG-11)."""
    scene = next(scenes(ground))
    flaws = [attack(vector(name)) for name in REFUSALS]
    actions: list[Action] = [scene.place("a"), Snapshot()]
    for _ in range(2):
        actions += [forged(one, "cancel", order="a") for one in flaws]
        actions += [CancelUnknown(order_id=unknown) for unknown in UNKNOWN_IDS[:2]]
    actions += [Cancel(order="a"), Settle(), Cancel(order="a"), Cancel(order="a"), Snapshot()]
    if Capability.CANCEL_ALL in ground.abilities:
        actions += [scene.place("b"), CancelAll(), Settle(), CancelAll(), Snapshot()]
    return [Plan(title="an answer of every kind", actions=tuple(actions))]


def callers_without_credentials(count: int) -> list[Attack]:
    """The first ``count`` of :data:`WITHOUT_CREDENTIALS`."""
    return [attack(*map(vector, names)) for names in WITHOUT_CREDENTIALS[:count]]


def disclosure_plans(ground: Ground, *, flaws: Sequence[Attack], size: int = 3) -> list[Plan]:
    """The same unauthenticated request for orders of every state, a foreign one and an unknown one (SIG-10)."""
    operations = ["cancel", *(["read"] if Capability.READ in ground.abilities else [])]
    places, plans = scenes(ground), []
    for batch in _batches(flaws, size):
        scene = next(places)
        actions, names = _every_state(ground, scene)
        for one in batch:
            for operation in operations:
                for unknown in UNKNOWN_IDS[:2]:
                    actions.append(forged(one, operation, order_id=unknown))
                actions += [forged(one, operation, order=name) for name in names]
        actions += [Snapshot(), _correct("a"), Snapshot()]
        plans.append(Plan(title="what the unauthenticated are told", actions=tuple(actions)))
    return plans


SEEN_BEFORE = (
    "signature-first-bit",
    "signature-bit-flip",
    "signature-last-bit",
    "signature-zero",
    "other-key-id-of-counterparty",
)
"""Flaws that leave the right signature as it is but for its beginning, middle, end or key id, and one without any."""


def seen_before_plans(ground: Ground) -> list[Plan]:
    """Flawed signatures of a request whose right one was taken just before: a verifier must remember all of it."""
    scene = next(scenes(ground))
    flaws = [attack(vector(name)) for name in SEEN_BEFORE]
    actions: list[Action] = [scene.place("a"), scene.place("after"), Snapshot(), _correct("a"), Settle()]
    actions += [forged(one, "cancel", order="a") for one in flaws]
    actions += [Snapshot(), _correct("after"), Snapshot()]
    return [Plan(title="a signature that was seen before, altered", actions=tuple(actions))]


def _every_state(ground: Ground, scene: Scene) -> tuple[list[Action], list[str]]:
    """Orders of every state that the target can be driven to, pinned by a read, and their names."""
    actions: list[Action] = [scene.place("c"), Snapshot(), Cancel(order="c"), Settle()]
    names = ["a", "c"]
    if ground.can(Capability.FILL):
        actions += [scene.place("d"), Fill(order="d", quantity=scene.quantity)]
        actions += [scene.place("p"), Fill(order="p", quantity=scene.part)]
        names += ["d", "p"]
    if ground.can(Capability.EXPIRE):
        actions += [scene.place("e", time_in_force=TimeInForce.GTD), Expire(order="e")]
        names.append("e")
    if COUNTERPARTY in ground.accounts:
        actions.append(foreign_order(ground, scene))
        names.append("f")
    return [*actions, scene.place("a"), Snapshot()], names


def _batches(attacks: Iterable[Attack], size: int) -> Iterator[Sequence[Attack]]:
    rest = iter(attacks)
    while batch := tuple(islice(rest, size)):
        yield batch
