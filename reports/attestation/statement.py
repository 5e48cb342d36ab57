"""The statement of a certificate: in-toto Statement v1 with the Test Result predicate v0.1, as typed JSON.

What the predicate has no field for stands in one record under `RECORD`, as the in-toto parsing rules ask of extensions.
Fields that the two standards leave open are ignored when read; the record is ours, and nothing unknown may stand in it.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from conformance.requirements import Level, RequirementClass
from conformance.verdicts import Verdict
from reports.attestation.canonical import canonical
from reports.attestation.refusal import Refused

STATEMENT_TYPE: Final = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE: Final = "https://in-toto.io/attestation/test-result/v0.1"
RECORD: Final = "urn:cancel-conformance:certificate:1"
"""The name of our extension of the predicate; its number changes when its meaning does."""

PROFILE: Final = "profile.json"
CATALOGUE: Final = "requirement catalogue"
SUITE: Final = "cancel-conformance"
SETTINGS: Final = "settings"

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Words = Annotated[str, Field(min_length=1, max_length=4096)]


class _Standard(BaseModel):
    """A part that in-toto defines: consumers ignore what they do not know."""

    model_config = ConfigDict(extra="ignore", frozen=True, strict=True, populate_by_name=True)


class _Own(BaseModel):
    """A part of our record: nothing unknown may stand in it."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, populate_by_name=True)


class Digest(_Standard):
    """A digest set; SHA-256 in hex is the one we use."""

    sha256: Sha256


class Descriptor(_Standard):
    """An in-toto ResourceDescriptor: a named thing by its digest, with annotations."""

    name: Words
    digest: Digest
    annotations: dict[str, str] = Field(default_factory=dict)


class RequirementResult(_Own):
    """What the run says of one requirement: its verdict, and how often it was exercised."""

    id: Words
    level: Level
    requirement_class: RequirementClass = Field(validation_alias="class", serialization_alias="class")
    verdict: Verdict
    exercised: Annotated[int, Field(ge=0)]
    reason: str = ""


class NamedRelaxation(_Own):
    """A relaxation of the profile, in words."""

    key: Words
    value: str
    meaning: Words
    requirements: tuple[str, ...] = ()


class Record(_Own):
    """What a certificate says beyond the Test Result predicate.

    ``files`` holds the SHA-256 of every other file of the bundle by name. ``not_claimed`` gives the reason for each
    class that is not claimed. Times are ISO 8601 with their offset; it holds from ``issued`` to ``expires``.
    """

    environment: Words
    level: Literal["certify"]
    seed: int
    claimed: tuple[RequirementClass, ...] = Field(min_length=1)
    not_claimed: dict[RequirementClass, str] = Field(validation_alias="notClaimed", serialization_alias="notClaimed")
    requirements: tuple[RequirementResult, ...]
    relaxations: tuple[NamedRelaxation, ...]
    files: dict[str, Sha256]
    started: AwareDatetime
    finished: AwareDatetime
    issued: AwareDatetime
    expires: AwareDatetime


class Predicate(_Standard):
    """The Test Result predicate v0.1 with our record."""

    result: Literal["PASSED", "WARNED", "FAILED"]
    configuration: tuple[Descriptor, ...]
    passed_tests: tuple[str, ...] = Field(validation_alias="passedTests", serialization_alias="passedTests")
    warned_tests: tuple[str, ...] = Field(validation_alias="warnedTests", serialization_alias="warnedTests")
    failed_tests: tuple[str, ...] = Field(validation_alias="failedTests", serialization_alias="failedTests")
    record: Record = Field(validation_alias=RECORD, serialization_alias=RECORD)


class Statement(_Standard):
    """A certificate's in-toto Statement v1; its one subject is the target, by the digest of its base URL."""

    type: Literal["https://in-toto.io/Statement/v1"] = Field(validation_alias="_type", serialization_alias="_type")
    subject: tuple[Descriptor, ...] = Field(min_length=1, max_length=1)
    predicate_type: Literal["https://in-toto.io/attestation/test-result/v0.1"] = Field(
        validation_alias="predicateType", serialization_alias="predicateType"
    )
    predicate: Predicate

    @property
    def record(self) -> Record:
        """Our record."""
        return self.predicate.record

    @property
    def target(self) -> str:
        """The target's name."""
        return self.subject[0].name

    @property
    def target_version(self) -> str:
        """The version of the target, in its vendor's words."""
        return self.subject[0].annotations.get("version", "")

    @property
    def suite_version(self) -> str:
        """The version of the suite that ran."""
        return self.configured(SUITE).annotations.get("version", "")

    def configured(self, name: str) -> Descriptor:
        """One part of the configuration by name. Raises `Refused` where it is missing or stands there twice."""
        found = [descriptor for descriptor in self.predicate.configuration if descriptor.name == name]
        if len(found) != 1:
            raise Refused(
                f"the statement: predicate.configuration: expected '{name}' once, found it {len(found)} times"
            )
        return found[0]

    def to_json(self) -> dict[str, Any]:
        """The statement as JSON data, in the standards' own field names."""
        return self.model_dump(mode="json", by_alias=True)


def settings_of(level: str, seed: int) -> Mapping[str, object]:
    """The settings of a run whose digest stands in the configuration."""
    return {"level": level, "seed": seed}


def read_statement(data: object) -> Statement:
    """A statement from JSON data. Raises `Refused` naming the field, what was expected and what was found."""
    if isinstance(data, dict):
        for field, expected in (("_type", STATEMENT_TYPE), ("predicateType", PREDICATE_TYPE)):
            if data.get(field) != expected:
                raise Refused(f"the statement: {field}: expected {expected}, found {data.get(field)!r}")
    try:
        return Statement.model_validate_json(canonical(data), strict=True)
    except ValidationError as problem:
        first = problem.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "the whole"
        raise Refused(f"the statement: {place}: {first['msg']}") from problem
