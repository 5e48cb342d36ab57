"""The vector files: what they must hold, and what is said of one that is wrong."""

import json
from collections import Counter
from itertools import islice

import pytest

from conformance.requirements import catalogue
from fixtures.attacks import (
    Attack,
    Expectation,
    VectorError,
    attack,
    attack_from_json,
    attack_sequence,
    by_turns,
    pairs,
    select,
    vector,
    vectors,
)
from fixtures.attacks.files import read_vectors

PKCS1_CLASSES = {
    "ber-lengths",
    "wrong-asn1",
    "modified-padding",
    "invalid-padding",
    "short-padding",
    "no-hash",
    "wrong-hash",
    "garbage-behind",
    "malleability",
    "degenerate",
    "wrong-primitive",
    "missing-null",
}
RIGHT = {
    "id": "a-b",
    "requirement": "SIG-04",
    "class": "altered",
    "expect": "unauthenticated",
    "note": "a flaw",
    "recipe": {"bytes": {"op": "flip", "bit": "$bit"}},
    "parameters": {"bit": {"default": 1, "min": 0, "max": 7}},
}


def read(**changes: object) -> None:
    """Read a file with one vector that differs from a right one."""
    read_vectors("some", json.dumps({"vectors": [{**RIGHT, **changes}]}))


def test_every_vector_names_a_requirement_of_the_catalogue() -> None:
    """A vector's requirement is in the catalogue, and every requirement on attacks has vectors."""
    named = {one.requirement for one in vectors().values()}
    assert named <= set(catalogue())
    assert {f"SIG-{number:02d}" for number in (*range(1, 10), 12)} | {"NTF-01", "NTF-04", "NTF-06"} <= named


def test_every_class_of_malformed_blocks_has_vectors() -> None:
    """The classes of PKCS#1 v1.5 attacks are all there, several vectors each, seventy in all."""
    found = Counter(one.attack_class for one in select(requirement="SIG-08"))
    assert set(found) == PKCS1_CLASSES
    assert sum(found.values()) >= 70
    assert all(count >= 5 for name, count in found.items() if name != "missing-null")


def test_what_a_standard_lets_pass_is_never_judged() -> None:
    """A vector that is flagged as acceptable is reported only, and nothing else is."""
    for one in vectors().values():
        assert ("acceptable" in one.flags) == (one.expect is Expectation.UNJUDGED), one.id


def test_ids_are_well_formed_and_notes_are_said_once() -> None:
    """No two vectors of a requirement have one note: a reader could not tell them apart."""
    notes = Counter((one.requirement, one.note) for one in vectors().values())
    assert [note for note, count in notes.items() if count > 1] == []


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"id": "A b"}, "some.json, vector 'A b', key 'id': expected lower-case words and digits"),
        ({"id": None}, "key 'id': expected a text, found None"),
        ({"expect": "happiness"}, "key 'expect': expected one of accepted, unauthenticated"),
        ({"flags": ["loud"]}, "key 'flags': expected some of acceptable"),
        ({"flags": "raw"}, "key 'flags': expected a list of texts"),
        ({"colour": "red"}, "key 'colour': expected no such key"),
        ({"recipe": {}}, "key 'recipe': expected a table with keys among moment, request, identifier"),
        (
            {"recipe": {"colour": {"op": "red"}}},
            "key 'recipe': expected a table with keys among moment, request, identifier",
        ),
        ({"recipe": {"bytes": {"bit": 1}}}, "expected a table with a text 'op' for the stage 'bytes'"),
        ({"parameters": {"bit": {"default": 9, "min": 0, "max": 7}}}, "key 'parameters': expected {default, min, max}"),
        ({"parameters": {"bit": {"default": "a", "choices": ["b"]}}}, "key 'parameters': expected {default, min, max}"),
        ({"parameters": 3}, "key 'parameters': expected a table"),
    ],
)
def test_a_wrong_vector_is_named(changes: dict[str, object], expected: str) -> None:
    """A mistake in a file is told with file, vector, key, and what was expected."""
    with pytest.raises(VectorError) as told:
        read(**changes)
    assert expected in str(told.value)


@pytest.mark.parametrize(("text", "expected"), [("{", "not JSON"), ("[]", "expected a table with the key 'vectors'")])
def test_a_file_that_is_none_is_named(text: str, expected: str) -> None:
    """A file that is no JSON, or no table of vectors, is told by its name."""
    with pytest.raises(VectorError, match=r"^some\.json: ") as told:
        read_vectors("some", text)
    assert expected in str(told.value)


def test_an_unknown_vector_and_an_empty_selection_are_refused() -> None:
    """Nothing is selected silently: an empty battery would look like a perfect target."""
    with pytest.raises(VectorError, match="no attack vector is called 'nonsense'"):
        vector("nonsense")
    with pytest.raises(VectorError, match="no attack vector with operation read, requirement SIG-08"):
        select(operation="read", requirement="SIG-08")


def test_an_attack_reads_as_it_was_written() -> None:
    """The form of an attack survives JSON, for one vector and for two."""
    one = attack(vector("signature-bit-flip"), bit=77)
    two = attack(vector("key-id-changed"), vector("signature-cut"), place=3, length=9)
    for given in (one, two):
        assert attack_from_json(json.loads(json.dumps(given.to_json()))) == given
    assert one.name == "signature-bit-flip(bit=77)"
    assert two.name == "key-id-changed(place=3)+signature-cut(length=9)"
    assert two.requirements == ("SIG-02", "SIG-04")


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"vectors": "signature-bit-flip", "values": []},
        {"vectors": ["nonsense"], "values": []},
        {"vectors": [], "values": []},
        {"vectors": ["signature-bit-flip"], "values": []},
        {"vectors": ["signature-bit-flip"], "values": [["signature-bit-flip", "bit"]]},
        {"vectors": ["signature-bit-flip"], "values": [["signature-bit-flip", "bit", 99999]]},
        {"vectors": ["signature-bit-flip"], "values": [["signature-bit-flip", "bit", "1"]]},
        {"vectors": ["signature-zero"], "values": [["signature-zero", "bit", 1]]},
        {"vectors": ["signature-zero", "signature-ones"], "values": []},
        {"vectors": ["signature-zero", "key-id-missing", "payload-upper"], "values": []},
    ],
)
def test_a_wrong_form_of_an_attack_is_refused(form: dict[str, object]) -> None:
    """A form with an unknown vector, a value that is not allowed, or vectors that do not go together is an error."""
    with pytest.raises(VectorError):
        attack_from_json(form)


def test_a_wrong_parameter_is_refused() -> None:
    """A parameter that no vector of the attack has is an error."""
    with pytest.raises(VectorError, match=r"signature-zero has no parameter \['bit'\]"):
        attack(vector("signature-zero"), bit=1)


def test_only_flaws_that_suffice_are_paired() -> None:
    """No pair holds a control, a flaw that may be accepted, or two flaws of one stage."""
    for first, second in pairs(vectors().values()):
        assert not first.stages & second.stages
        for one in (first, second):
            assert one.expect in (Expectation.UNAUTHENTICATED, Expectation.REFUSED)
            assert "acceptable" not in one.flags


def test_a_sequence_begins_with_every_vector_and_never_repeats() -> None:
    """The first attacks are all vectors once; thousands of others follow, all distinct, the same for the same seed."""
    chosen = select(operation="cancel")
    sequence = list(islice(attack_sequence(seed=5, of=chosen), 4000))
    assert {one.vectors[0].id for one in sequence[: len(chosen)]} == {one.id for one in chosen}
    assert len({one.name for one in sequence}) == 4000
    assert sequence == list(islice(attack_sequence(seed=5, of=chosen), 4000))
    assert sequence != list(islice(attack_sequence(seed=6, of=chosen), 4000))
    assert any(len(one.vectors) == 2 for one in sequence)


def test_a_sequence_ends_where_nothing_is_left() -> None:
    """With vectors that leave nothing open the sequence is the vectors and their pairs, and ends."""
    chosen = (vector("key-id-missing"), vector("signature-zero"), vector("signature-ones"))
    found = [one.name for one in attack_sequence(seed=1, of=chosen)]
    assert sorted(found) == sorted(
        [
            "key-id-missing",
            "signature-zero",
            "signature-ones",
            "key-id-missing+signature-zero",
            "key-id-missing+signature-ones",
        ]
    )


def test_classes_take_turns() -> None:
    """Common flaws come first; then the first vectors of a battery are of as many classes as there are."""
    given = select(requirement="SIG-08")
    chosen = by_turns(given)
    common = [one for one in given if one.common]
    assert sorted(one.id for one in chosen[: len(common)]) == sorted(one.id for one in common)
    assert {one.attack_class for one in chosen[len(common) :][: len(PKCS1_CLASSES)]} == PKCS1_CLASSES
    assert len(chosen) == len(given)


def test_an_attack_of_two_expects_the_wider_refusal() -> None:
    """Where one flaw must be refused as unauthenticated and the other with any 4xx, any 4xx is right."""
    both = Attack(vectors=(vector("key-id-missing"), vector("signature-zero")))
    assert both.expect is Expectation.UNAUTHENTICATED
    assert both.note == "no header with the key id; all bytes zero"


def test_an_empty_query_that_was_not_signed_is_not_judged() -> None:
    """Many servers never see a question mark that nothing follows, so that accepting it says nothing (SIG-06)."""
    assert vectors()["sent-empty-query"].expect is Expectation.UNJUDGED
    assert "?" not in vectors()["sent-extra-query"].parameters[0].choices
