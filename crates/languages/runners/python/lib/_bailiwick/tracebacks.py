"""Tracebacks, without the runner's own frames, and with the script's own lines."""

from _bailiwick.own import BUILTINS as __builtins__

import linecache
import sys
import traceback

from _bailiwick.own import is_own

_SOURCES = {}
_MAX_LINE = 2000


def remember(name, source):
    """Keeps a script's text for `linecache`, under the name of its code."""
    _SOURCES[name] = source
    linecache.cache.pop(name, None)


def forget():
    """Drops all remembered scripts."""
    _SOURCES.clear()
    linecache.cache.clear()


def install():
    """Makes the remembered scripts the only source of lines: a traceback must not look for files."""
    sys.addaudithook(_watch)
    linecache.clearcache()
    linecache.updatecache = _update
    linecache.checkcache = _check
    linecache.lazycache = _lazy


def _watch(event, arguments):
    """Stops the compiler from opening a file of the name that it was told, to show a line of a `SyntaxError`.

    No other part of the interpreter opens with flags of 0: in this C library, reading is a flag.
    """
    if event == "open" and arguments[2] == 0:
        raise OSError


def _update(filename, module_globals=None):
    source = _SOURCES.get(filename)
    if source is None:
        return []
    lines = source.splitlines(True)
    linecache.cache[filename] = (len(source), None, lines, filename)
    return lines


def _check(filename=None):
    """Scripts do not change while they run."""


def _lazy(filename, module_globals):
    return False


def text(error):
    """The traceback of an error, as Python prints it."""
    if isinstance(error, SyntaxError) and error.text is None and error.lineno and error.filename in _SOURCES:
        error.text = linecache.getline(error.filename, error.lineno)
    report = traceback.TracebackException.from_exception(error, compact=True)
    _strip(report, set())
    return "".join(report.format())


def line(error):
    """One line about an error, as in `ValueError: bad month`."""
    kind = type(error)
    try:
        what = str(error)
    except Exception:
        what = "<no text: its str() failed>"
    name = kind.__qualname__
    if kind.__module__ not in ("builtins", "__main__"):
        name = f"{kind.__module__}.{name}"
    what = " ".join(what.split())
    text = f"{name}: {what}" if what else name
    text = text.encode("utf-8", "backslashreplace").decode()
    return text if len(text) <= _MAX_LINE else text[:_MAX_LINE] + "…"


def _strip(report, seen):
    if report is None or id(report) in seen:
        return
    seen.add(id(report))
    stack = report.stack
    if stack is not None:
        stack[:] = [frame for frame in stack if not is_own(frame.filename)]
    _strip(report.__cause__, seen)
    _strip(report.__context__, seen)
    for inner in report.exceptions or ():
        _strip(inner, seen)
