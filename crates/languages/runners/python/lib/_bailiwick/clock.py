"""The processor's time: there is one thread and no process, so it is the time since it was first asked for."""

from _bailiwick.own import BUILTINS as __builtins__

import time

_NOW = time.monotonic_ns
_start = None


def process_time_ns():
    """The time since the first call, in nanoseconds, waiting included."""
    global _start
    now = _NOW()
    if _start is None:
        _start = now
    return now - _start


def process_time():
    """The time since the first call, in seconds, waiting included."""
    return process_time_ns() / 1e9


def install():
    """Replaces clocks that count from the build of the snapshot."""
    for function in (process_time, process_time_ns):
        function.__module__ = "time"
        setattr(time, function.__name__, function)
    time.thread_time, time.thread_time_ns = process_time, process_time_ns
