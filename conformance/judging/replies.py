"""Answers in the model's words: which reply an answer can be, and how a report puts it."""

from conformance.model.lifecycle import Reply
from fixtures.venue.answers import Answer, AnswerClass

_CLASSES = {
    Reply.ACCEPTED: (AnswerClass.ACCEPTED, AnswerClass.PENDING),
    Reply.CANNOT_CANCEL: (AnswerClass.CANNOT_CANCEL,),
    Reply.NOT_FOUND: (AnswerClass.NOT_FOUND,),
    Reply.FAILED: (AnswerClass.SERVER_ERROR,),
    Reply.REFUSED: (AnswerClass.REJECTED, AnswerClass.CANNOT_CANCEL, AnswerClass.MALFORMED),
}


def means(answer: Answer, reply: Reply) -> bool:
    """Whether an answer can be the model's reply."""
    if reply is Reply.DENIED:
        return answer.status < 500 and not means(answer, Reply.ACCEPTED)
    return any(answer.is_(answer_class) for answer_class in _CLASSES[reply])


def reply_of(answer: Answer) -> Reply:
    """The closest of the model's replies."""
    plain = (Reply.FAILED, Reply.ACCEPTED, Reply.CANNOT_CANCEL, Reply.NOT_FOUND)
    return next((reply for reply in plain if means(answer, reply)), Reply.DENIED)


def classes_of(answer: Answer) -> str:
    """The classes of an answer, in words."""
    return "/".join(sorted(answer.classes))


def said(answer: Answer) -> str:
    """An answer in a few words."""
    code = f" code {answer.code}" if answer.code else ""
    return f"HTTP {answer.status}{code} ({classes_of(answer) or 'unexpected'})"
