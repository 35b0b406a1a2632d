"""The start of a run: what a snapshot must not share between runs comes from the host, once.

The secret of `hash()` for text is made with the interpreter, and is the build's; see the book's page about Python.
"""

from _bailiwick.own import BUILTINS as __builtins__

import os
import pkgutil
import random
import sys

from _bailiwick import finder, output

_SEED = random._inst.seed
_HIDDEN = ("app", "poll_loop", "wit_world", "componentize_py_types", "componentize_py_runtime", "_bailiwick")

_prepared = []


def prepare(store):
    """Build time: makes ready what `start` only has to put in place.

    The build tool itself imports and prints after the snapshot's module is done; so the last changes wait for the run.
    """
    import wit_world.imports

    for module in pkgutil.iter_modules(wit_world.imports.__path__):
        __import__(f"wit_world.imports.{module.name}")
    hidden = [name for name in sys.modules if name.partition(".")[0] in _HIDDEN]
    _prepared[:] = [finder.sources(store), output.streams(), hidden]


def start():
    """Seeds the generators, and takes what belongs to the build out of the script's sight."""
    sources, streams, hidden = _prepared
    sys.meta_path[:] = sources
    sys.path[:] = ()
    sys.path_hooks[:] = ()
    sys.path_importer_cache.clear()
    output.install(*streams)
    modules = sys.modules
    for name in hidden:
        modules.pop(name, None)
    _SEED(int.from_bytes(os.urandom(32), "little"))
