"""The first line of a history: which version wrote it, the run's settings, the target's profile and its contract."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

from conformance.errors import UserError
from conformance.history.facts import shape
from conformance.requirements import digest
from conformance.version import VERSION
from fixtures.contract.document import Contract, contract_of
from fixtures.profiles import Profile, profile_from_data

FORMAT: Final = "cancel-conformance/history/1"

_NOT_STORED: Final = {"inline": "not stored"}
"""What stands where a key was: judging needs none, but a profile without keys is not valid."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Header:
    """What a history begins with.

    ``shape`` is a digest of what its facts look like, ``catalogue`` that of the catalogue of requirements. ``run`` is
    the run's settings as JSON data, for the reports; ``profile`` is without secrets; ``contract`` is the OpenAPI
    document with its ``source``, where the profile names one.
    """

    run: Mapping[str, Any]
    profile: Mapping[str, Any]
    contract: Mapping[str, Any] | None
    format: str = FORMAT
    version: str = VERSION
    shape: str
    catalogue: str

    @property
    def same_catalogue(self) -> bool:
        """Whether the catalogue was today's."""
        return self.catalogue == digest()


def header_of(profile: Profile, run: Mapping[str, Any]) -> Header:
    """The header of a run that begins."""
    contract = contract_of(profile)
    return Header(
        run=run,
        profile=profile.without_secrets(),
        contract=None if contract is None else {"source": contract.source, "document": contract.document},
        shape=shape(),
        catalogue=digest(),
    )


def header_to_json(header: Header) -> str:
    """The header as a line of JSON."""
    return json.dumps({"history": asdict(header)}, default=str)


def header_from_json(line: bytes, source: str) -> Header:
    """Read a first line. Raises :class:`~conformance.errors.UserError` where it is none, or one of another version."""
    try:
        data = json.loads(line)["history"]
        written_by = data["format"], data["shape"]
        if written_by != (FORMAT, shape()):
            raise UserError(
                f"{source} is a history of another version, cancel-conformance {data['version']}: {VERSION} stores "
                "what is seen in another form, so judge it with the version that wrote it."
            )
        return Header(**data)
    except (ValueError, KeyError, TypeError) as problem:
        raise UserError(
            f"{source} is no history: expected a file that `cancel-conformance run --record FILE` wrote."
        ) from problem


def stored_profile(header: Header, source: str) -> Profile:
    """The profile, with nothing in the place of its keys; raises :class:`~conformance.errors.UserError`."""
    data = {name: part for name, part in header.profile.items() if name != "extends"}
    keys = {"key_id": "not stored"} | dict.fromkeys(("private_key", "secret", "token"), _NOT_STORED)
    data["accounts"] = {name: {**account, **keys} for name, account in header.profile.get("accounts", {}).items()}
    return profile_from_data(data, name=source)


def stored_contract(header: Header, profile: Profile) -> Contract | None:
    """The contract as it was."""
    if header.contract is None:
        return None
    return contract_of(profile, (header.contract["source"], header.contract["document"]))
