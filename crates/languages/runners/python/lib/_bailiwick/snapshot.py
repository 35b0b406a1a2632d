"""Build time: brings the interpreter into the state in which every run starts."""

import builtins
import gc
import os
import sys
import warnings

from _bailiwick import absent


def prepare():
    """Imports, packs, patches and tidies."""
    absent.stand_in()

    from _bailiwick import catalogue, finder, packing, parts, timezones

    store = finder.Store()
    packing.standard_library(store, catalogue.LEFT_OUT)
    timezones.load(parts.ZONES)
    tops = packing.packages(store, parts.PACKAGES) if parts.PACKAGES else []
    _import(catalogue.IMPORTED + catalogue.OWN, required=True)
    from _bailiwick import clock, derivation, filesystem, fresh, loop, output, tracebacks, transport

    clock.install()
    derivation.install()
    filesystem.install()
    loop.install()
    timezones.install()
    transport.install()
    tracebacks.install()
    absent.refuse()
    sys.meta_path.insert(0, store)
    _import(tops, required=False)
    sys.meta_path.remove(store)
    fresh.prepare(store)
    _forget()


def settle():
    """The last step: makes the runner, and leaves the memory as each run will find it."""
    from _bailiwick import execution, fresh, parts, permanent, tools

    gc.collect()
    permanent.fill()
    permanent.renew([module for name, module in sys.modules.items() if name.partition(".")[0] in _HOT])
    runner = execution.Runner(tools.Tools())
    _warm(runner)
    fresh.hide()
    gc.collect()
    permanent.announce(parts.OBJECTS)
    gc.collect()
    permanent.fill()
    gc.freeze()
    gc.set_threshold(20_000, 20, 100)
    return runner


_HOT = ("app", "_bailiwick", "wit_world", "componentize_py_types", "asyncio", "codecs", "enum", "json", "linecache", "random", "re")
"""Modules whose code each run is likely to execute."""


def _import(names, required):
    for name in names:
        try:
            __import__(name)
        except Exception as error:
            if required:
                raise SystemExit(f"cannot import `{name}` for the snapshot: {type(error).__name__}: {error}") from error
            print(f"not imported: {name}: {type(error).__name__}: {error}")


def _forget():
    """Removes what the build machine and the imports left behind."""
    os.environ.clear()
    sys.argv[:] = ["script"]
    sys.orig_argv[:] = []
    sys.executable = sys._base_executable = ""
    sys.prefix = sys.base_prefix = sys.exec_prefix = sys.base_exec_prefix = "/python"
    sys.dont_write_bytecode = True
    sys.pycache_prefix = None
    warnings.resetwarnings()
    warnings.simplefilter("default")
    for action, category in (("ignore", DeprecationWarning), ("ignore", PendingDeprecationWarning)):
        warnings.filterwarnings(action, category=category)
    warnings.filterwarnings("ignore", category=ImportWarning)
    warnings.filterwarnings("ignore", category=ResourceWarning)


def _warm(runner):
    """Runs the paths of a run many times with a host that does nothing, so that the interpreter's adaptive code and caches
    are those of a program that has been running, and a start writes to few pages of the snapshot."""
    from _bailiwick.host import script, session

    real = session.input, session.arguments, session.set_result, script.print
    session.input, session.arguments = (lambda: "null"), (lambda: [])
    session.set_result, script.print = (lambda text: None), (lambda stream, data: None)
    names = ("meta_path", "path", "path_hooks", "path_importer_cache", "stdout", "stderr", "__stdout__", "__stderr__")
    standing, modules = [getattr(sys, name) for name in names], dict(sys.modules)
    try:
        for _ in range(64):
            runner.rehearse(_PROGRAM)
            sys.modules.update(modules)
    finally:
        session.input, session.arguments, session.set_result, script.print = real
        for name, value in zip(names, standing):
            setattr(sys, name, value)


_PROGRAM = """
import json, re
from collections import Counter
def total(rows):
    return sum(row["n"] for row in rows if re.match("a+", row["name"]))
rows = [{"name": "a" * i, "n": i} for i in range(3)]
print("total", total(rows))
print(json.dumps(json.loads('{"a": [1, 2.5, null, "x"]}')), end="")
result = {"total": total(rows), "names": Counter(row["name"] for row in rows).most_common()}
"""
