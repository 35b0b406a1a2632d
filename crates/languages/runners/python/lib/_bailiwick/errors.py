"""What an error of the host is in Python: an exception that scripts know, with the host's reason code in `.code`."""

from _bailiwick.own import BUILTINS as __builtins__

import builtins
import errno


class PermissionError(builtins.PermissionError):
    """A call that nobody allowed. `code` says which source refused it; asking again gets the same answer."""

    code = None

    def __init__(self, *arguments):
        self._text = arguments[0] if arguments else ""

    def __str__(self):
        return self._text


PermissionError.__module__ = "builtins"


class LimitError(RuntimeError):
    """A call that was allowed, and is more than may be done at once."""

    code = None


LimitError.__module__ = "bailiwick"

class SqlError(RuntimeError):
    """A statement that the database did not understand, or whose constraint it broke."""

    code = None


class ToolError(RuntimeError):
    """A tool that could not be called, or whose server failed."""

    code = None


SqlError.__module__ = ToolError.__module__ = "bailiwick"

_FAILURES = {
    "failed.not_found": (FileNotFoundError, errno.ENOENT),
    "failed.exists": (FileExistsError, errno.EEXIST),
    "failed.not_directory": (NotADirectoryError, errno.ENOTDIR),
    "failed.is_directory": (IsADirectoryError, errno.EISDIR),
    "failed.not_empty": (OSError, errno.ENOTEMPTY),
    "failed.host_permission": (builtins.PermissionError, errno.EACCES),
    "failed.no_space": (OSError, errno.ENOSPC),
    "failed.dns": (ConnectionError, errno.EHOSTUNREACH),
    "failed.connect": (ConnectionError, errno.ECONNREFUSED),
    "failed.tls": (ConnectionError, errno.ECONNABORTED),
    "failed.http": (ConnectionError, errno.ECONNRESET),
    "failed.no_key": (LookupError, None),
    "failed.no_secret": (LookupError, None),
    "failed.not_authentic": (ValueError, None),
    "failed.not_a_number": (ValueError, None),
}


def denied(code, what):
    """A refusal, as in `PermissionError: [deny.manifest.no_rule] fetch GET https://…`."""
    error = PermissionError(f"[{code}] {what}")
    error.code = code
    error.errno = errno.EACCES
    return error


def failed(code, what):
    """The world did not cooperate."""
    kind, number = _FAILURES.get(code, (None, None))
    if kind is None:
        kind, number = OSError, errno.EIO
        if code.startswith("failed.sql"):
            kind, number = SqlError, None
        elif code.startswith(("failed.tool", "failed.no_tool")):
            kind, number = ToolError, None
    error = kind(f"[{code}] {what}")
    error.code = code
    if number is not None:
        error.errno = number
    return error


def limit(code, what):
    """More than may be done at once."""
    kind = TimeoutError if code == "limit.deadline" else LimitError
    error = kind(f"[{code}] {what}")
    error.code = code
    return error
