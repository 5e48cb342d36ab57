"""A gap in the profile's vocabulary is said to be one, with the word and where it was seen: never a nonconformity."""

from typing import TYPE_CHECKING, Any

import pytest

from fixtures.exchange import CancelMode

if TYPE_CHECKING:
    from tests.dialects.conftest import Walker

REST = {
    "PENDING": ["EXECUTING"], "OPEN": ["WORKING"], "PARTIALLY_FILLED": ["PARTIAL"],
    "PENDING_CANCEL": ["PENDING_CANCEL"], "FILLED": ["DONE"], "CANCELED": ["CANCELED"], "EXPIRED": ["LAPSED"],
    "REJECTED": ["REFUSED"],
}  # fmt: skip
DOCUMENTED = {
    "PENDING": ["pendingsubmit"], "OPEN": ["submitted"], "PARTIALLY_FILLED": ["partiallyfilled"],
    "PENDING_CANCEL": ["pendingcancel"], "FILLED": ["filled"], "CANCELED": ["canceled"], "EXPIRED": ["expired"],
    "REJECTED": ["rejected"],
}  # fmt: skip


@pytest.mark.parametrize(
    ("dialect", "words", "word", "where"),
    [
        ("documented", DOCUMENTED, "cancelled", "a read of a"),
        ("rest-delete", REST, "CANCELLED", "the answer to the cancel of a"),
    ],
)
def test_a_word_that_is_not_in_the_vocabulary_is_reported_as_such(
    walk: "Walker", dialect: str, words: dict[str, Any], word: str, where: str
) -> None:
    """The word is named with the place where it was seen, and nothing is called a nonconformity."""
    walked = walk(dialect, CancelMode.IMMEDIATE, overrides={"vocabulary": {"status": words}}, every=7, drawn=0)
    assert walked.violations == []
    assert any(
        text.startswith(f"status `{word}` is not in the vocabulary; seen at {where}") for text in walked.troubles
    )


def test_a_status_that_an_accepted_cancel_may_not_answer_is_a_finding(walk: "Walker") -> None:
    """Where the profile says that cancels answer PENDING_CANCEL alone, an immediate CANCELED breaks CXL-06."""
    narrow = {
        "method": "DELETE", "path": "/v2/order/{order_id}", "status": "/state", "statuses": ["PENDING_CANCEL"],
    }  # fmt: skip
    walked = walk("rest-delete", CancelMode.IMMEDIATE, overrides={"operations": {"cancel": narrow}}, every=9, drawn=0)
    assert walked.broken == {"CXL-06"}
