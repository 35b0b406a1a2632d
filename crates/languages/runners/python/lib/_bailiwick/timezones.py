"""The time zone database, from the `tzdata` package, for `zoneinfo`."""

from _bailiwick.own import BUILTINS as __builtins__

import io
import os
import zlib

_ZONES = {}


def load(folder):
    """Reads the database at build time: every zone of the `tzdata` package in `folder`."""
    root = f"{folder}/tzdata/zoneinfo"
    with open(f"{folder}/tzdata/zones") as names:
        for name in names.read().split():
            with open(f"{root}/{name}", "rb") as zone:
                _ZONES[name] = zlib.compress(zone.read(), 9)


def install():
    """Makes it the only source of `zoneinfo`."""
    import zoneinfo
    from zoneinfo import _common, _tzpath

    zoneinfo.reset_tzpath(())
    _common.load_tzdata = _open
    zoneinfo.available_timezones = _tzpath.available_timezones = _available


def _open(key):
    packed = _ZONES.get(key)
    if packed is None:
        from zoneinfo import ZoneInfoNotFoundError

        raise ZoneInfoNotFoundError(f"No time zone found with key {key}")
    return io.BytesIO(zlib.decompress(packed))


def _available():
    """The names of all time zones."""
    return set(_ZONES)
