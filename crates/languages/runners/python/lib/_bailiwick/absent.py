"""What a sandbox does not have: sockets, processes, threads. Names that libraries need exist; using them says what to do."""

from _bailiwick.own import BUILTINS as __builtins__

import errno
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
    """Turns what is left of threads, processes and the modes of files into clear errors."""
    import os
    import shutil
    import tarfile
    import tempfile
    import threading
    import uuid
    from concurrent.futures import thread

    from _bailiwick import no_processes

    os.system = os.popen = no_processes._refuse
    os.chmod = _chmod
    shutil.copymode = _copy_no_mode
    tarfile.TarFile.chmod = _extract_no_mode
    uuid._GETTERS = []  # there is no network card to ask other programs for; what is left is a random number
    tempfile._candidate_tempdir_list = _temporary
    tempfile.template = "tmp"
    sys.setrecursionlimit = _limit
    threading.Thread.start = _start
    thread.ThreadPoolExecutor.submit = _submit


class _Unsupported(OSError, NotImplementedError):
    """What the library takes for a thing that this system does not have, and a script for a failure."""


_Unsupported.__name__ = _Unsupported.__qualname__ = "UnsupportedOperation"
_Unsupported.__module__ = "os"


def _chmod(path, mode, *, dir_fd=None, follow_symlinks=True):
    """Change the access permissions of a file, where files have such."""
    raise _Unsupported(errno.ENOTSUP, "files have no modes here; who may do what is in the policy")


def _copy_no_mode(src, dst, *, follow_symlinks=True):
    """Copy mode bits from src to dst, where files have such."""


def _extract_no_mode(self, tarinfo, targetpath):
    """Set file permissions of targetpath, where files have such."""


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
