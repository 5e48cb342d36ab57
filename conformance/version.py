"""The version of the suite: read by the build, the command line and every report."""

from typing import Final

VERSION: Final = "0.1.0"
