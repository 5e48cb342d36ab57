"""Why correct keys may be refused: the same read once more, proved in other ways, until the target takes one.

What the target takes names the line that is wrong: the clock, the unit of the time, the form of the secret, how the
signature is written, or the scheme. Where it takes none, the secret or the key id is not that of the account.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from conformance.errors import UserError
from conformance.requirements import Capability
from fixtures.accounts import open_accounts
from fixtures.profiles.profile import Profile
from fixtures.signing.moments import CLOCK, TIMES
from fixtures.signing.registry import SCHEMES
from fixtures.venue.answers import Answer, AnswerClass
from fixtures.venue.client import Venue
from fixtures.venue.signing import Signer

MOST = 40
"""Other ways that are tried: a target that locks a key after so many refusals would say so."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Cause:
    """What is wrong, in words, and the lines of the profile that put it right."""

    what: str
    lines: tuple[str, ...] = ()


def cause_of_refusal(venue: Venue, role: str, skew: float | None) -> Cause | None:
    """What is wrong with how an account's requests are proved; ``skew`` is how far the target's clock is ahead.

    ``None``: nothing that was tried is taken.
    """
    profile = venue.profile
    if not profile.authentication.signs:
        return None
    if skew is not None and abs(skew) > 1 and _taken(profile, venue, role, profile, skew):
        return Cause(
            what=f"the clock here is {-skew:+.1f} s from the target's, and requests bear its time: set it right"
        )
    for number, (changes, lines) in enumerate(_other_ways(profile)):
        if number >= MOST:
            break
        other = _changed(profile, changes)
        if other is not None and _taken(other, venue, role, profile, skew or 0.0):
            return Cause(what=f"it is known with {' and '.join(lines)}", lines=("[authentication]", *lines))
    return None


def lacking_words(profile: Profile) -> tuple[str, ...]:
    """The operations of the profile without a word, where the authentication speaks of ``{word}``."""
    authentication = profile.authentication
    if not any("word" in one.names for _, one in authentication.compositions()):
        return ()
    named = (name for name in type(profile.operations).model_fields if name != "time")
    return tuple(
        name for name in named if getattr(profile.operations, name) is not None and name not in authentication.words
    )


def _taken(proving: Profile, venue: Venue, role: str, profile: Profile, skew: float) -> bool:
    """Whether the target takes a read that is proved in another way."""
    try:
        account = open_accounts(proving)[role]
        clock = replace(CLOCK, now=lambda: CLOCK.now() + skew)
        signer = Signer(proving.authentication, account, host=profile.target.authority, clock=clock)
        operation = "balances" if Capability.BALANCES in venue.capabilities else "list"
        answer = venue.send(venue.proved_by(signer, venue.prepare(role, operation)), hostile=True)
    except (UserError, ValueError):
        return False
    return isinstance(answer, Answer) and answer.is_(AnswerClass.ACCEPTED)


def _changed(profile: Profile, changes: dict[str, Any]) -> Profile | None:
    """The profile with another authentication; ``None`` where that makes none."""
    authentication = profile.authentication
    data = {**authentication.model_dump(mode="json", exclude_none=True), **changes}
    try:
        made = type(authentication).model_validate_json(json.dumps(data))
    except ValueError:
        return None
    changed = profile.model_copy(update={"authentication": made})
    changed._source = profile._source
    return changed


def _other_ways(profile: Profile) -> Iterator[tuple[dict[str, Any], tuple[str, ...]]]:
    """Changes of the authentication, the likely ones first, with the lines that say them."""
    authentication = profile.authentication
    family = authentication.kind.key
    schemes = [
        name
        for name, scheme in SCHEMES.items()
        if scheme.key == family and name != authentication.scheme and name.startswith("jwt-") == authentication.is_jwt
    ]
    codings = [one for one in ("hex", "base64", "HEX") if one != authentication.written and not authentication.is_jwt]
    forms = [one for one in ("text", "base64", "hex") if one != authentication.secret_form and family == "secret"]
    for word, values in (("secret_form", forms), ("coding", codings), ("scheme", schemes)):
        for value in values:
            yield {word: value}, (f'{word} = "{value}"',)
    yield from _other_units(profile)
    for scheme in schemes:
        for form in forms:
            yield {"scheme": scheme, "secret_form": form}, (f'scheme = "{scheme}"', f'secret_form = "{form}"')
    for form in forms:
        for coding in codings:
            yield {"secret_form": form, "coding": coding}, (f'secret_form = "{form}"', f'coding = "{coding}"')


def _other_units(profile: Profile) -> Iterator[tuple[dict[str, Any], tuple[str, ...]]]:
    """The same with the time in another unit, in everything that speaks of it."""
    whole = json.dumps(profile.authentication.model_dump(mode="json", exclude_none=True))
    for name in TIMES:
        if f"{{{name}}}" not in whole:
            continue
        for other in TIMES:
            if other != name:
                changes = json.loads(whole.replace(f"{{{name}}}", f"{{{other}}}"))
                yield changes, (f"{{{other}}} in the place of {{{name}}}",)
