"""Why a bundle is not believed."""


class Refused(Exception):  # noqa: N818 - reads as what happened to the bundle, as in `raise Refused(why)`
    """A bundle that must not be believed; the text names the file, what was expected and what was found."""
