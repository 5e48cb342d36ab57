"""Text that XML can hold: a target may answer any character, and one that is not allowed spoils a whole document."""

import re
from typing import Final

_NOT_XML: Final = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def xml_text(text: str) -> str:
    """The text with every character that XML 1.0 does not allow replaced (not escaped: the writer does that)."""
    return _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", text)
