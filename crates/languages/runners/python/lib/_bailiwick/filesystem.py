"""Files. `open` and `os` reach the mounts through WASI; here they get spellings that the host takes, and errors that say more.

The host refuses a path with more than one reading instead of repairing it. Python programs write `./data//a.csv` all the
time, so the runner, which is as much the guest as the script, writes it properly before it asks.
"""

from _bailiwick.own import BUILTINS as __builtins__

import builtins
import errno
import functools
import io
import os
import posix
import posixpath
import weakref

from _bailiwick import errors, writing
from _bailiwick.host import script

_OPEN = io.open
_NORMAL = posixpath.normpath
_WRITERS = weakref.WeakSet()
_LONGEST = 1 << 16
"""Characters of a path. The host refuses shorter ones; what is longer than it copies would end the run."""


def spelled(path):
    """A path as the host takes it. What is no path (a descriptor, for one) stays what it is."""
    kind = type(path)
    if kind is not str:
        if kind is int:
            return path
        path = os.fspath(path)
        if type(path) is not str:
            return path
    if len(path) > _LONGEST:
        raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG), f"{path[:200]}…")
    if "./" in path or "//" in path or path.endswith(("/", "/.", "/..")) or path in (".", ".."):
        clean = _NORMAL("/" + path)
        return clean[1:] if clean.startswith("//") else clean
    return path


def open(file, mode="r", buffering=-1, encoding=None, errors=None, newline=None, closefd=True, opener=None):
    """Open file and return a stream. Raise OSError upon failure."""
    writes = mode != "r" and mode != "rb"
    try:
        ask = writing.open if writes else _OPEN
        stream = ask(spelled(file), mode, buffering, encoding, errors, newline, closefd, opener)
    except OSError as error:
        failure = explained(error, "write" if writes else "read", file)
    else:
        if writes:
            _WRITERS.add(stream)
        return stream
    raise failure


open.__module__ = "io"


def flush():
    """Writes out what a script left in the buffers of files that it did not close."""
    if not _WRITERS.data:
        return
    for stream in list(_WRITERS):
        if not stream.closed:
            stream.flush()


def explained(error, action, path):
    """A refusal of the host with its reason code; other errors as they are, with the code of a limit if that was it."""
    if error.errno in writing.LIMITS:
        return writing.coded(error)
    if error.errno != errno.EPERM and error.errno != errno.ENOTCAPABLE:
        return error
    code = script.refusal()
    if code is None or not code.startswith("deny."):
        return error
    failure = errors.denied(code, f"file {action} {_shown(path)}")
    failure.errno, failure.filename = error.errno, path
    return failure


def _shown(path):
    try:
        text = os.fspath(path) if not isinstance(path, int) else f"descriptor {path}"
        text = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    except TypeError:
        return repr(path)
    return text if text.startswith(("/", "descriptor")) else "/" + text


def _one(function, action):
    """Wraps a function of `os` whose first argument is a path."""

    @functools.wraps(function)
    def wrapped(path, *arguments, **options):
        try:
            return function(spelled(path), *arguments, **options)
        except OSError as error:
            failure = explained(error, action, path)
        raise failure

    return wrapped


def _optional(function, action):
    """Wraps a function of `os` whose path may be left out."""

    @functools.wraps(function)
    def wrapped(path="/"):
        try:
            return function("/" if path is None else spelled(path))
        except OSError as error:
            failure = explained(error, action, path)
        raise failure

    return wrapped


def _two(function):
    """Wraps a function of `os` that moves something."""

    @functools.wraps(function)
    def wrapped(src, dst, **options):
        try:
            return function(spelled(src), spelled(dst), **options)
        except OSError as error:
            failure = explained(error, "rename", src)
        raise failure

    return wrapped


_ONE = {
    "stat": "read",
    "lstat": "read",
    "open": "open",
    "readlink": "read",
    "truncate": "write",
    "utime": "write",
    "mkdir": "write",
    "remove": "delete",
    "unlink": "delete",
    "rmdir": "delete",
    "access": "read",
    "ftruncate": "write",
}


def install():
    """Puts the wrappers where Python looks for the functions."""
    for name, action in _ONE.items():
        if hasattr(posix, name):
            wrapped = _one(writing.opened if name == "open" else getattr(posix, name), action)
            setattr(os, name, wrapped)
    writing.install()
    for name in ("listdir", "scandir"):
        setattr(os, name, _optional(getattr(posix, name), "list"))
    for name in ("rename", "replace"):
        setattr(os, name, _two(getattr(posix, name)))
    builtins.open = io.open = open
    os.getcwd = lambda: "/"
