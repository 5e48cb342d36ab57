"""The catalogue of requirements: what it holds, and what it says of a wrong file."""

import re

import pytest

from conformance.errors import UserError
from conformance.requirements import Authority, Level, catalogue, digest, parse, select

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
    sizes = {"CXL": 8, "ALL": 7, "PND": 5, "TRM": 7, "NTF": 7, "FND": 7, "SIG": 12, "RCE": 4, "ERR": 4, "INF": 3}
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
