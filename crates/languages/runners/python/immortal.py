"""Makes the objects of a snapshot immortal: CPython neither counts the references to such an object nor frees it.

A run then does not write to the pages of objects that it only uses, and these stay shared between runs. The interpreter
lists its objects while it is built; see `lib/_bailiwick/permanent.py`. They are found in the data of the one module that
holds the memory, and only bytes of reference counts change.
"""

import bisect
import struct

IMMORTAL = 5 << 28
"""CPython's `_Py_IMMORTAL_INITIAL_REFCNT` of 32-bit machines."""
MOST = 1 << 18
"""More references than any object of the snapshot has; what looks like more is the memory of an object that is gone."""

FEWEST = 50_000
"""Fewer immortal objects than any snapshot has: they were not where they should be."""

MODULE, DATA = 1, 11
MAGIC = b"\0asm"


class Unexpected(Exception):
    """The component is not built as this module knows it."""


def make(component: bytearray, objects: bytes) -> int:
    """Changes the component in place; returns how many objects became immortal.

    `objects` are pairs of addresses, of an object and of its type; the same object may be there many times.
    """
    places = memory(component)
    starts = [address for address, _, _ in places]
    changed = 0
    for address, kind in set(struct.iter_unpack("<II", objects)):
        at = bisect.bisect_right(starts, address) - 1
        if at < 0:
            continue
        start, length, position = places[at]
        offset = address - start
        if offset + 8 > length:
            continue
        count, found = struct.unpack_from("<II", component, position + offset)
        if found == kind and 0 < count < MOST:
            struct.pack_into("<I", component, position + offset, IMMORTAL)
            changed += 1
    if changed < FEWEST:
        raise Unexpected(f"only {changed} of its objects were found")
    return changed


def memory(component: bytearray) -> list[tuple[int, int, int]]:
    """The parts of the memory's first content, in order: address, length, position in the component."""
    for kind, start, end in sections(component, 8, len(component)):
        if kind == MODULE and component[start : start + 4] == MAGIC:
            for inner, at, _ in sections(component, start + 8, end):
                if inner == DATA:
                    return sorted(segments(component, at))
    raise Unexpected("no module of the component has data")


def segments(data: bytearray, at: int):
    """The segments of a data section, all of which must be for fixed addresses."""
    count, at = number(data, at)
    for _ in range(count):
        if data[at] != 0 or data[at + 1] != 0x41:
            raise Unexpected("a segment of data has no fixed address")
        address, at = number(data, at + 2)
        length, at = number(data, at + 1)
        yield address, length, at
        at += length


def sections(data: bytearray, at: int, end: int):
    """The sections between two positions: kind, start, end."""
    while at < end:
        kind = data[at]
        length, at = number(data, at + 1)
        yield kind, at, at + length
        at += length


def number(data: bytearray, at: int) -> tuple[int, int]:
    """A number in LEB128, and the position behind it. Addresses of up to 1 GiB read the same signed and unsigned."""
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, at
