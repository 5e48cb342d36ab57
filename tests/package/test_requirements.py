"""The catalogue of requirements: what it holds, and what it says of a wrong file."""

import re
from typing import Any

import pytest

from conformance.errors import UserError
from conformance.model.order import Status
from conformance.requirements import Authority, Level, Measure, catalogue, digest, parse, select, touched_by
from fixtures.profiles import json_schema

GOOD = """
[CXL-01]
level = "MUST"
authority = ["S"]
class = "Core"
sentence = "It holds."
source = "Somewhere"
needs = ["place"]
"""


def test_every_family_is_there_without_a_gap() -> None:
    """Each family's numbers run from 1 without a gap, so that no id was lost or given twice."""
    numbers: dict[str, list[int]] = {}
    for name, requirement in catalogue().items():
        numbers.setdefault(requirement.family, []).append(int(name[-2:]))
    sizes = {"CXL": 8, "ALL": 7, "PND": 5, "TRM": 7, "NTF": 7, "FND": 7, "SIG": 17, "RCE": 4, "ERR": 4, "INF": 3}
    assert {family: sorted(found) for family, found in numbers.items()} == {
        family: list(range(1, size + 1)) for family, size in sizes.items()
    }


def test_only_measurements_are_not_judged() -> None:
    """INF is measured and never judged; everything else is a MUST or a SHOULD."""
    assert {entry.family for entry in catalogue().values() if entry.level is Level.INFO} == {"INF"}
    assert all(entry.judged is (entry.family != "INF") for entry in catalogue().values())


def test_good_practice_alone_never_binds() -> None:
    """A requirement that rests on good practice alone is a SHOULD (or measured): no MUST without an authority."""
    practice = [entry for entry in catalogue().values() if entry.authority == (Authority.PRACTICE,)]
    assert practice
    assert all(entry.level is not Level.MUST for entry in practice)


def test_sentences_are_sentences() -> None:
    """Every sentence begins with a capital, ends with a full stop, and is no other's."""
    sentences = [entry.sentence for entry in catalogue().values()]
    assert all(re.fullmatch(r"[A-Z].*\.", sentence) for sentence in sentences)
    assert len(set(sentences)) == len(sentences)


def test_the_digest_follows_the_meaning_and_not_the_layout() -> None:
    """The digest is a SHA-256 in hex and stays the same when it is computed again."""
    assert re.fullmatch(r"[0-9a-f]{64}", digest())
    digest.cache_clear()
    first = digest()
    digest.cache_clear()
    assert digest() == first


def test_a_selection_keeps_the_order_of_the_catalogue() -> None:
    """Ids and families select, in either case, each requirement once, in the catalogue's order."""
    chosen = [entry.id for entry in select(["RCE", "cxl-02", "CXL-01", "CXL-01"])]
    assert chosen == ["CXL-01", "CXL-02", "RCE-01", "RCE-02", "RCE-03", "RCE-04"]


def test_an_unknown_name_is_refused() -> None:
    """An id or family that the catalogue does not have is an error that lists the families."""
    with pytest.raises(UserError, match=r"unknown requirement 'CXL-99'.*\(CXL, ALL, PND"):
        select(["CXL-99"])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("[CXL-01]", "[CXL-1]"), r"\[CXL-1\]: expected an id such as CXL-01"),
        (("[CXL-01]\n", "CXL-01 = 3\n[CXL-02]\n"), r"CXL-01: expected a table, found int"),
        (('"MUST"', '"must"'), r"\[CXL-01\] level: expected one of MUST, SHOULD, INFO; found 'must'"),
        (('"Core"', '"Heart"'), r"\[CXL-01\] class: expected one of Core, .*; found 'Heart'"),
        (('["S"]', '["X"]'), r"\[CXL-01\] authority: expected one of S, W, D, P; found 'X'"),
        (('["S"]', "[]"), r"\[CXL-01\] authority: is empty"),
        (('["S"]', '"S"'), r"\[CXL-01\] authority: expected a list, found 'S'"),
        (('["place"]', '["fly"]'), r"\[CXL-01\] needs: expected one of place, .*; found 'fly'"),
        (("sentence", "sentense"), r"\[CXL-01\] sentense: unknown key; expected one of level, "),
        (('sentence = "It holds."\n', ""), r"\[CXL-01\] sentence: missing"),
        (('["place"]', '["place"]\nneeds_state = "LATE"'), r"\[CXL-01\] needs_state: expected one of .*; found 'LATE'"),
        (('["place"]', '["place"]\nmeasures = "height"'), r"\[CXL-01\] measures: expected one of answer, .*'height'"),
        (('["place"]', '["place"]\nfleeting = "yes"'), r"\[CXL-01\] fleeting: expected a bool, found 'yes'"),
        (('["place"]', '["place"]\nrelaxed_by = "x"'), r"\[CXL-01\] relaxed_by: expected a list, found 'x'"),
        ((GOOD, ""), r"holds no requirement"),
        (("[CXL-01]", "[CXL-01"), r"is not valid TOML"),
    ],
)
def test_a_wrong_catalogue_is_explained(change: tuple[str, str], message: str) -> None:
    """Each mistake in the file is an error that names the id, the key, what was expected and what was found."""
    assert GOOD.count(change[0]) >= 1
    with pytest.raises(UserError, match=message):
        parse(GOOD.replace(*change, 1))


def test_a_right_catalogue_is_read() -> None:
    """The text that the mistakes above are made in is itself accepted."""
    assert parse(GOOD)["CXL-01"].note == ""


def test_what_a_verdict_has_to_know_is_read() -> None:
    """States that need not be shown, what is fleeting, and which keys of a profile touch a requirement."""
    more = 'needs_state = "PENDING"\nfleeting = true\npartly_filled = true\nleft_out_by = "a.b"\nrelaxed_by = ["c.d"]\n'
    found = parse(GOOD + more)["CXL-01"]
    assert (found.needs_state, found.fleeting, found.partly_filled) == (Status.PENDING, True, True)
    assert (found.left_out_by, found.relaxed_by) == ("a.b", ("c.d",))
    plain = parse(GOOD)["CXL-01"]
    assert (plain.needs_state, plain.fleeting, plain.partly_filled) == (None, False, False)


def test_what_is_left_out_or_relaxed_is_a_key_of_a_profile() -> None:
    """No requirement names a key that a profile cannot have: it could never be relaxed by it."""
    whole = json_schema()

    def has(table: dict[str, Any], path: list[str]) -> bool:
        named = [one["$ref"] for one in (table, *table.get("anyOf", ())) if "$ref" in one]
        found = whole["$defs"][named[0].rpartition("/")[2]] if named else table
        return not path or (path[0] in found["properties"] and has(found["properties"][path[0]], path[1:]))

    keys = {key for one in catalogue().values() for key in (one.left_out_by, *one.relaxed_by) if key}
    assert {key for key in keys if not has(whole, key.split("."))} == set()
    assert touched_by("relaxations.order_id_form") == ("NTF-05",)
    assert touched_by("nothing.of.it") == ()


def test_each_time_is_measured_by_one_requirement() -> None:
    """Every INF requirement says what it times, each something else; none that is judged does."""
    timed = [one.measures for one in catalogue().values() if one.measures is not None]
    assert sorted(timed) == sorted(Measure)
    assert [one.id for one in catalogue().values() if (one.measures is None) is not one.judged] == []
