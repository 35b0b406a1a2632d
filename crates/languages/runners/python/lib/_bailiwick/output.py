"""Standard streams. What is printed leaves at once: a limit may end the run at any instruction, and nothing runs after it.

`print` is one call of the host, whatever its arguments; other writers are sent at the end of each line, or of 8 KiB.
"""

from _bailiwick.own import BUILTINS as __builtins__

import builtins
import io
import sys

from _bailiwick.host import script

_PRINT = builtins.print


class _Channel(io.RawIOBase):
    """The bytes of one stream of the run."""

    def __init__(self, stream, name, number):
        self._stream = stream
        self.name = name
        self._number = number

    def writable(self):
        return True

    def write(self, data):
        script.print(self._stream, bytes(data))
        return len(data)

    def fileno(self):
        return self._number

    @property
    def mode(self):
        return "wb"


def _open(stream, name, number):
    buffered = io.BufferedWriter(_Channel(stream, name, number), 8192)
    return io.TextIOWrapper(buffered, encoding="utf-8", errors="backslashreplace", newline="\n", line_buffering=True)


def print(*values, sep=" ", end="\n", file=None, flush=False):
    """Prints the values to a stream, or to sys.stdout by default."""
    _PRINT(*values, sep=sep, end=end, file=file, flush=flush or file is None and end != "\n")


def streams():
    """Makes stdout and stderr."""
    builtins.print = print
    print.__module__ = "builtins"
    return _open(script.Stream.STDOUT, "<stdout>", 1), _open(script.Stream.STDERR, "<stderr>", 2)


def install(out, err):
    """Puts the run's streams where Python looks for them."""
    sys.stdout = sys.__stdout__ = out
    sys.stderr = sys.__stderr__ = err


def flush():
    """Sends what is still in buffers. A stream that a script closed or replaced is its own affair."""
    for stream in (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__):
        try:
            stream.flush()
        except BaseException:
            pass


def complain(text):
    """Writes text to the run's stderr, whatever a script did to `sys.stderr`."""
    try:
        script.print(script.Stream.STDERR, text.encode("utf-8", "backslashreplace"))
    except MemoryError:
        script.print(script.Stream.STDERR, b"MemoryError\n")
