"""What the exit status of a run says to a shell or to a CI job."""

from enum import IntEnum


class ExitStatus(IntEnum):
    """The four ways in which a command ends.

    ``NONCONFORMANT`` wins over ``INCONCLUSIVE``: what was seen to fail does not depend on what could not be judged.
    """

    CONFORMANT = 0
    NONCONFORMANT = 1
    USAGE = 2
    INCONCLUSIVE = 3
