"""Settings of the tests of the suite itself."""

from hypothesis import settings
from hypothesis.database import DirectoryBasedExampleDatabase

# A profile of our own: where CI is set, Hypothesis' default would always draw the same examples and remember none.
settings.register_profile(
    "suite-tests",
    database=DirectoryBasedExampleDatabase(".hypothesis/examples"),
    deadline=None,
    derandomize=False,
    print_blob=True,
)
settings.load_profile("suite-tests")
