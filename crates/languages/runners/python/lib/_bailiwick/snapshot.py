"""Build time: brings the interpreter into the state in which every run starts."""

import builtins
import gc
import os
import sys
import warnings

from _bailiwick import absent


def take():
    """Imports, packs, patches and tidies; returns the runner."""
    absent.stand_in()

    from _bailiwick import catalogue, finder, packing, parts, timezones

    store = finder.Store()
    packing.standard_library(store, catalogue.LEFT_OUT)
    timezones.load(parts.ZONES)
    tops = packing.packages(store, parts.PACKAGES) if parts.PACKAGES else []
    _import(catalogue.IMPORTED + catalogue.OWN, required=True)
    from _bailiwick import execution, filesystem, fresh, loop, output, tools, tracebacks, transport

    filesystem.install()
    loop.install()
    timezones.install()
    transport.install()
    tracebacks.install()
    absent.refuse()
    fresh.prepare(store)
    _import(tops, required=False)
    _forget()
    runner = execution.Runner(tools.Tools())
    _warm()
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 100)
    return runner


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


def _warm():
    """Runs the paths of a start once, so that caches and specialised code are part of the snapshot."""
    import ast
    import json
    import re

    scope = {"__builtins__": builtins}
    for _ in range(32):
        exec(compile(ast.parse("import json, re\nx = [i * 2 for i in range(3)]\ndef f(a):\n    return a\nf(1)\n"), "warm.py", "exec"), scope)
        json.loads(json.dumps({"a": [1, 2.5, None, "x"]}))
    re.purge()
