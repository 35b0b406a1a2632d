"""Build time: what the snapshot keeps for good, and where the memory of a run will be.

A run gets the snapshot's memory page by page as it writes to it, and each such page costs time. So a run should write to
few: not to the reference counts of the library's objects, and not into the gaps between them.
"""

from _bailiwick.own import BUILTINS as __builtins__

import gc
import io
import itertools
import types
from array import array

_ROW = 20_000
_FILLING = []


def announce(path):
    """Writes the address of every object and that of its type to a file, for the build tool, which makes them immortal."""
    with io.FileIO(path, "w") as file:
        _announce(file)


def _announce(file):
    row = array("I")
    for tracked in gc.get_objects():
        found = [tracked]
        while found:
            one = found.pop()
            row.append(id(one))
            row.append(id(type(one)))
            if one is tracked or not gc.is_tracked(one):
                found += gc.get_referents(one)
                if type(one) is types.CodeType:
                    found += (one.co_consts, one.co_names, one.co_filename, one.co_name, one.co_qualname, one.co_linetable)
        if len(row) > _ROW:
            file.write(row)
            del row[:]
    file.write(row)


def fill():
    """Takes the free memory between the objects, so that all that a run allocates lies together, behind them."""
    taken, end = [], max(map(id, gc.get_objects()))
    size = 1 << 18
    while size >= 8:
        block = bytes(size)
        if id(block) < end:
            taken.append(block)
        else:
            size -= max(8, size // 16)
    for make in _REUSED:
        while id(one := make()) < end:
            taken.append(one)
    taken += [{"a": number} for number in range(200)]  # their tables are kept for reuse, too, and have no address to see
    _FILLING.append(taken)


def _tuple(length):
    return lambda: (*itertools.repeat(None, length),)


_REUSED = (
    lambda: [],
    dict,
    (1.5).__neg__,
    (1_000_000).__neg__,
    lambda: slice(3),
    lambda: range(3),
    lambda: iter([]),
    lambda: iter(()),
    *map(_tuple, range(1, 21)),
)
"""Makers of objects whose memory CPython keeps when they are freed, for the next of the same type."""


def renew(modules):
    """Gives the functions of modules new code, in new memory: the interpreter writes to code while it learns from it."""
    for module in modules:
        for value in list(vars(module).values()):
            _renew(value)
            if isinstance(value, type):
                for member in list(vars(value).values()):
                    _renew(getattr(member, "__func__", getattr(member, "fget", member)))


def _renew(value):
    if type(value) is types.FunctionType:
        _FILLING.append(value.__code__)  # where it was, nothing shall be
        value.__code__ = value.__code__.replace()
