"""The host's functions, and what their errors are in Python."""

from _bailiwick.own import BUILTINS as __builtins__

import builtins

from componentize_py_types import Err
from wit_world.imports import crypto, extension, fetch, kv, script, secrets, session, sql, tools, types

from _bailiwick import errors

__all__ = ["Constant", "call", "crypto", "extension", "fetch", "kv", "script", "secrets", "session", "sql", "tools"]

_ERR = Err
_DENIED = types.Error_Denied
_FAILED = types.Error_Failed
MOST = 8 << 20
"""Bytes that go to the host in one call."""


class Constant:
    """A member of an enumeration as a call takes it. The value of a real member is a property, in Python, which takes longer to
    read than the rest of the call."""

    __slots__ = ("value",)

    def __init__(self, member):
        self.value = member.value


def call(what, function, *arguments):
    """Calls the host. `what` names the action and its resource, for the error's text.

    INVARIANT: `arguments` come from `_bailiwick.arguments`, in the order of the WIT.
    """
    size = 0
    for argument in arguments:
        kind = type(argument)
        if kind is bytes:
            size += len(argument)
        elif kind is str:
            size += len(argument) if argument.isascii() else len(argument.encode())
    fitting(size, what)
    try:
        return function(*arguments)
    except _ERR as error:
        reason = error.value
    raise translate(reason, what)


def fitting(size, what):
    """Raises `LimitError` for more bytes than the host copies for one call. Handing them over would end the run."""
    if size > MOST:
        raise errors.limit("limit.argument_bytes", what if len(what) < 200 else f"{what[:200]}…")


def translate(reason, what):
    """The exception for an error of the host."""
    code = reason.value
    if isinstance(reason, _DENIED):
        return errors.denied(code, what)
    if isinstance(reason, _FAILED):
        return errors.failed(code, what)
    return errors.limit(code, what)
