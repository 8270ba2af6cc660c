"""The errors that a user can cause or mend; anything else that escapes is a bug."""

__all__ = [
    "DatasetError",
    "HelperhistError",
    "InvalidVersion",
    "ParseError",
    "RepositoryError",
]


class HelperhistError(Exception):
    """Base of all errors of this package.

    The message is one line: it names the file, commit or name at fault, and the next step.
    """


class InvalidVersion(HelperhistError, ValueError):
    """A text that is not a kernel version."""


class ParseError(HelperhistError, ValueError):
    """Bytes that are not what the parser reads (a header, a CSV row, an object file)."""


class RepositoryError(HelperhistError):
    """A git repository that cannot be opened or read."""


class DatasetError(HelperhistError):
    """A dataset that is missing, damaged, or of another format."""
