"""`bailiwick.call(…)`: what the program that embeds the host adds to it."""

from _bailiwick.own import BUILTINS as __builtins__

from json import JSONDecoder, JSONEncoder

from _bailiwick import host

_DECODE = JSONDecoder().decode
_ENCODE = JSONEncoder(allow_nan=False).encode


def call(kind, action, resource, /, **arguments):
    """Does `action` to `resource`, which are of a kind that begins with `x-`. The host says what it answers."""
    what = f"{kind} {action} {resource}"
    return _DECODE(host.call(what, host.extension.call, kind, action, resource, _ENCODE(arguments)))
