"""Writing to open files. A stream of WASI says only that it failed, and is closed for good; a write at a place says why.

So a write that failed is made once more, at its place. It fails with the reason, `ENOSPC` for example; or it succeeds,
because there is room again.
"""

from _bailiwick.own import BUILTINS as __builtins__

import errno
import io
import os
import posix
import sys
import types

from _bailiwick.host import script

LIMITS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)
"""What limits of the host, and its full disk, are to programs."""
_VAGUE = (errno.EIO, errno.EPIPE)
_FSTAT, _LSEEK, _OS_OPEN, _PWRITE, _WRITE = posix.fstat, posix.lseek, posix.open, posix.pwrite, posix.write
_PIECE = 1 << 20
"""Bytes of one write. There is a most that the host takes, and over it the run would end."""
_appending = set()
"""The descriptors that write at the end of their file."""


class _File(io.FileIO):
    """What `open` makes for writing, below buffers and encodings."""

    def __init__(self, file, mode="r", closefd=True, opener=None):
        super().__init__(file, mode, closefd, opener)
        if not isinstance(file, int):
            _remember(self.fileno(), "a" in mode)

    def write(self, data):
        try:
            return super().write(data)
        except OSError as error:
            failure = error
        return _again(self.fileno(), data, failure)

    def truncate(self, size=None):
        try:
            return super().truncate(size)
        except OSError as error:
            failure = coded(error)
        raise failure


_File.__name__ = _File.__qualname__ = "FileIO"
_File.__module__ = "_io"


def coded(error):
    """The error with the host's code, if it is one of `LIMITS` and the host has one."""
    if error.errno in LIMITS:
        code = script.refusal()
        if code is not None and code.startswith(("limit.", "failed.")):
            error.code = code
    return error


def write(fd, data, /):
    """Write a bytes object to a file descriptor."""
    try:
        return _WRITE(fd, data)
    except OSError as error:
        failure = error
    if fd <= 2:
        raise failure
    return _again(fd, data, failure)


def pwrite(fd, buffer, offset, /):
    """Write bytes to a file descriptor starting at a particular offset: at most 1 MiB of them."""
    try:
        return _PWRITE(fd, memoryview(buffer).cast("B")[:_PIECE], offset)
    except OSError as error:
        failure = coded(error)
    raise failure


def _again(fd, data, failure):
    if failure.errno not in _VAGUE:
        raise coded(failure)
    at = _FSTAT(fd).st_size if fd in _appending else _LSEEK(fd, 0, os.SEEK_CUR)
    done = pwrite(fd, data, at)
    _LSEEK(fd, at + done, os.SEEK_SET)
    return done


def _remember(fd, appends):
    if appends:
        _appending.add(fd)
    else:
        _appending.discard(fd)


def opened(path, flags, mode=0o777, *, dir_fd=None):
    """`os.open`."""
    fd = _OS_OPEN(path, flags, mode) if dir_fd is None else _OS_OPEN(path, flags, mode, dir_fd=dir_fd)
    _remember(fd, bool(flags & os.O_APPEND))
    return fd


def _made():
    """The library's own `open` in Python, over the interpreter's buffers and our file."""
    import _pyio

    names = ("BufferedRandom", "BufferedReader", "BufferedWriter", "TextIOWrapper")
    scope = {**vars(_pyio), **{name: getattr(io, name) for name in names}, "FileIO": _File, "__builtins__": __builtins__}
    function = _pyio.open.__wrapped__
    del sys.modules["_pyio"]
    return types.FunctionType(function.__code__, scope, "open", function.__defaults__)


open = _made()


def install():
    """Puts the functions where Python looks for them."""
    os.write, os.pwrite = write, pwrite
    for function in (write, pwrite):
        function.__module__ = "posix"
