"""What the forged requests of one lane are made with: keys, and the signatures that were made before."""

from fixtures.attacks.accounts import attack_keys, setting_for
from fixtures.attacks.forge import ForgedRequest, Forger
from fixtures.attacks.keys import AttackKeys
from fixtures.attacks.vectors import Attack
from fixtures.venue.client import Venue
from fixtures.venue.request import PreparedRequest


class Workbench:
    """Forges requests for one lane, and remembers what it signed: raw RSA is slow."""

    def __init__(self) -> None:
        self._forger = Forger()
        self._keys: dict[tuple[int, str], AttackKeys] = {}

    def forge(
        self,
        venue: Venue,
        attack: Attack,
        request: PreparedRequest,
        *,
        order_id: str | None = None,
        other: PreparedRequest | None = None,
        known_ids: frozenset[str] = frozenset(),
    ) -> ForgedRequest:
        """The request with the attack's flaw; ``other`` is a correct request of the operation that says another thing.

        Raises :class:`~fixtures.attacks.steps.NotApplicable` where it cannot be built at this target.
        """
        role = request.account
        keys = self._keys.get((id(venue), role))
        if keys is None:
            keys = self._keys[id(venue), role] = attack_keys(venue.account_keys, role=role)
        setting = setting_for(
            venue, keys, role=role, operation=request.operation, order_id=order_id, other=other, known_ids=known_ids
        )
        return self._forger.forge(attack, request, setting)
