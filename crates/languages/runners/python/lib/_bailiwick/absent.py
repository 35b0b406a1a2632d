"""What a sandbox does not have: sockets, processes, threads. Names that libraries need exist; using them says what to do."""

from _bailiwick.own import BUILTINS as __builtins__

import sys

_LIMIT = sys.setrecursionlimit


def stand_in():
    """Replaces modules that must be importable and cannot work. Called before anything imports them."""
    from _bailiwick import no_processes, no_sockets

    for name, module in (("socket", no_sockets), ("subprocess", no_processes)):
        module.__name__ = name
        module.__spec__.name = name
        module.__file__ = module.__spec__.origin = f"/python/{name}.py"
        for value in vars(module).values():
            if getattr(value, "__module__", "").startswith("_bailiwick"):
                value.__module__ = name
        sys.modules[name] = module


def refuse():
    """Turns what is left of threads and processes into clear errors."""
    import os
    import tempfile
    import threading
    from concurrent.futures import thread

    from _bailiwick import no_processes

    os.system = os.popen = no_processes._refuse
    tempfile._candidate_tempdir_list = _temporary
    tempfile.template = "tmp"
    sys.setrecursionlimit = _limit
    threading.Thread.start = _start
    thread.ThreadPoolExecutor.submit = _submit


def _temporary():
    """Where `tempfile` may put files: in the mount that is called so."""
    return ["/tmp"]


def _limit(limit, /):
    """Set the maximum depth of calls, up to 30,000: what is nested more deeply is too much for the stack to free."""
    _LIMIT(min(limit, 30_000))


def _start(self):
    """Starts the thread, where there are threads."""
    raise RuntimeError(
        "can't start new thread: there is one; call the function, or use `asyncio` or `concurrent.futures.ThreadPoolExecutor`, "
        "which runs what is submitted at once"
    )


def _submit(self, fn, /, *args, **kwargs):
    """Runs the function now, in the only thread, and returns its finished future."""
    from concurrent.futures import Future

    if self._shutdown:
        raise RuntimeError("cannot schedule new futures after shutdown")
    future = Future()
    future.set_running_or_notify_cancel()
    try:
        value = fn(*args, **kwargs)
    except Exception as error:
        future.set_exception(error)
    else:
        future.set_result(value)
    return future
