"""Standard streams. What is written leaves at once: a limit may end the run at any instruction, and nothing runs after it.

Each write is one call of the host, so the library's writers of many small pieces get to gather them first.
"""

from _bailiwick.own import BUILTINS as __builtins__

import builtins
import io
import json
import pprint
import sys

from _bailiwick.arguments import octets
from _bailiwick.host import Constant, script

_OUT, _ERR = Constant(script.Stream.STDOUT), Constant(script.Stream.STDERR)
_DUMP = json.dump
_GATHERED = 4096
_PIECE = 1 << 20
"""Bytes that go to the host in one call. There is a most, and over it the run would end."""


class _Channel(io.RawIOBase):
    """The bytes of one stream of the run."""

    def __init__(self, stream, name, number):
        self._stream = stream
        self.name = name
        self._number = number

    def writable(self):
        return True

    def write(self, data):
        content = octets(data, f"{self.name}: what is written")
        for start in range(0, len(content), _PIECE):
            script.print(self._stream, content[start : start + _PIECE])
        return len(content)

    def fileno(self):
        return self._number

    @property
    def mode(self):
        return "wb"


def _open(stream, name, number):
    channel = _Channel(stream, name, number)
    return io.TextIOWrapper(channel, encoding="utf-8", errors="backslashreplace", newline="\n", write_through=True)


def print(*values, sep=" ", end="\n", file=None, flush=False):
    """Prints the values to a stream, or to sys.stdout by default."""
    if file is None:
        file = sys.stdout
        if file is None:
            return
    if end is None:
        end = "\n"
    elif not isinstance(end, str):
        raise TypeError(f"end must be None or a string, not {type(end).__name__}")
    if len(values) == 1 and sep == " ":
        text = str(values[0]) + end
    else:
        if sep is None:
            sep = " "
        elif not isinstance(sep, str):
            raise TypeError(f"sep must be None or a string, not {type(sep).__name__}")
        text = sep.join(map(str, values)) + end
    file.write(text)
    if flush:
        file.flush()


class _Gatherer:
    """Joins pieces of text into fewer writes."""

    def __init__(self, write):
        self._write = write
        self._pieces = []

    def write(self, text):
        self._pieces.append(text)
        if len(self._pieces) >= _GATHERED:
            self.send()

    def send(self):
        text = "".join(self._pieces)
        self._pieces.clear()
        self._write(text)


def dump(obj, fp, **options):
    """Serialize `obj` as a JSON formatted stream to `fp`, as `json.dumps` with the same options does."""
    gatherer = _Gatherer(fp.write)
    try:
        _DUMP(obj, gatherer, **options)
    finally:
        gatherer.send()


def _pprint(self, object):
    """Prints the formatted object and a line end."""
    if self._stream is not None:
        self._stream.write(self.pformat(object) + "\n")


def streams():
    """Makes stdout and stderr."""
    builtins.print = print
    print.__module__ = "builtins"
    json.dump = dump
    dump.__module__ = "json"
    pprint.PrettyPrinter.pprint = _pprint
    return _open(_OUT, "<stdout>", 1), _open(_ERR, "<stderr>", 2)


def install(out, err):
    """Puts the run's streams where Python looks for them."""
    sys.stdout = sys.__stdout__ = out
    sys.stderr = sys.__stderr__ = err


def flush():
    """Sends what a stream that the script put there has in its buffers. If it is closed, that is the script's affair."""
    for stream, own in ((sys.stdout, sys.__stdout__), (sys.stderr, sys.__stderr__)):
        if stream is not own:
            try:
                stream.flush()
            except BaseException:
                pass


def complain(text):
    """Writes text to the run's stderr, whatever a script did to `sys.stderr`."""
    try:
        script.print(_ERR, text.encode("utf-8", "backslashreplace")[:_PIECE])
    except MemoryError:
        script.print(_ERR, b"MemoryError\n")
