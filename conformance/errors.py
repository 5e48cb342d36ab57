"""The error for a mistake that its reader can put right.

Usable from every layer, so this module imports nothing.
"""


class UserError(Exception):
    """A wrong option, file or setting. Shown as one block of text without a stack trace; the run ends with status 2.

    The message says what was expected, what was found, where (file and key), and what to do next.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class UnreachableError(UserError):
    """The target does not answer. Shown like a user's mistake; the run ends with status 3: nothing was judged."""
