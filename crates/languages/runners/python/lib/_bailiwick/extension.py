"""`bailiwick.call(…)`: what the program that embeds the host adds to it."""

from _bailiwick.own import BUILTINS as __builtins__

from json import JSONDecoder, JSONEncoder

from _bailiwick import host
from _bailiwick.arguments import json, text

_DECODE = JSONDecoder().decode
_ENCODE = JSONEncoder(allow_nan=False).encode


def call(kind, action, resource, /, **arguments):
    """Does `action` to `resource`, which are of a kind that begins with `x-`. The host says what it answers."""
    sort, deed = text(kind, "call: `kind`"), text(action, "call: `action`")
    name, values = text(resource, "call: `resource`"), json(_ENCODE, arguments, "call: the arguments")
    return _DECODE(host.call(f"{sort} {deed} {name}", host.extension.call, sort, deed, name, values))
