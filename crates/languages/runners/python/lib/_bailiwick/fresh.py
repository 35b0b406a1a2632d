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
_HIDDEN = ("app", "poll_loop", "wit_world", "componentize_py_types", "componentize_py_runtime")
"""Modules that the build tool looks up after the snapshot's module is done."""

_prepared = []
_kept = []
"""What is replaced lives on: to free it would touch memory all over the snapshot, which every run would pay for."""


def prepare(store):
    """Build time: makes ready what `start` only has to put in place.

    The build tool itself imports and prints after the snapshot's module is done; so the last changes wait for the run.
    """
    import wit_world.imports

    for module in pkgutil.iter_modules(wit_world.imports.__path__):
        __import__(f"wit_world.imports.{module.name}")
    hidden = [name for name in sys.modules if name.partition(".")[0] in _HIDDEN] + ["app"]
    _prepared[:] = [finder.sources(store), [], [], {}, output.streams(), hidden]
    _kept.append([sys.modules.get(name) for name in hidden])


def hide():
    """Build time: takes the runner's modules out of sight. Nothing may import them by name after this."""
    for name in [name for name in sys.modules if name.partition(".")[0] == "_bailiwick"]:
        _kept.append(sys.modules.pop(name))


def start():
    """Seeds the generators, and takes what belongs to the build out of the script's sight."""
    sources, path, hooks, importers, streams, hidden = _prepared
    _kept.append((sys.meta_path, sys.path, sys.path_hooks, sys.path_importer_cache))
    sys.meta_path, sys.path, sys.path_hooks, sys.path_importer_cache = sources, path, hooks, importers
    output.install(*streams)
    modules = sys.modules
    for name in hidden:
        modules.pop(name, None)
    _SEED(int.from_bytes(os.urandom(32), "little"))
