"""Key-value stores."""

from json import JSONEncoder, loads

from _bailiwick import host
from _bailiwick.arguments import data, json, seconds, text, whole

_ENCODE = JSONEncoder(allow_nan=False).encode
_VALUE = "kv.set: `value` (`set_json` takes whatever JSON can say)"


class Store:
    """One store, by its name in the policy. Values are bytes; text is stored as UTF-8."""

    def __init__(self, name: str):
        self.name = text(name, "kv: `name`")

    def get(self, key: str, default=None) -> bytes:
        """The value of a key, or `default`."""
        value = self._call("get", "get", host.kv.get, text(key, "kv.get: `key`"))
        return default if value is None else value

    def get_text(self, key: str, default=None) -> str:
        """The value of a key as text, or `default`."""
        value = self.get(key)
        return default if value is None else value.decode()

    def get_json(self, key: str, default=None):
        """The value of a key as JSON, or `default`."""
        value = self.get(key)
        return default if value is None else loads(value)

    def set(self, key: str, value: bytes | str, ttl: float | None = None) -> None:
        """Sets a value, which is gone after `ttl` seconds if that is given."""
        milliseconds = None if ttl is None else seconds(ttl, "kv.set: `ttl`")
        self._call("set", "set", host.kv.set, text(key, "kv.set: `key`"), data(value, _VALUE), milliseconds)

    def set_json(self, key: str, value, ttl: float | None = None) -> None:
        """Sets a value to the JSON text of `value`."""
        self.set(key, json(_ENCODE, value, "kv.set_json: `value`"), ttl)

    def delete(self, key: str) -> bool:
        """Removes a key; says whether there was one."""
        return self._call("delete", "delete", host.kv.delete, text(key, "kv.delete: `key`"))

    def list(self, prefix: str = "", after: str | None = None, limit: int = 1000) -> list[str]:
        """What is directly below a prefix, by name; names with a slash at their end have more below them."""
        last = None if after is None else text(after, "kv.list: `after`")
        return self._call("list", "list", host.kv.list, text(prefix, "kv.list: `prefix`"), last, whole(limit, "kv.list: `limit`"))

    def increment(self, key: str, by: int = 1) -> int:
        """Adds to a number, which is 0 when there is no such key; gives the sum."""
        number = whole(by, "kv.increment: `by`", -(2**63), 2**63 - 1)
        return self._call("increment", "set", host.kv.increment, text(key, "kv.increment: `key`"), number)

    def swap(self, key: str, expected: bytes | str | None, value: bytes | str | None) -> bool:
        """Sets a value if the present one is `expected` (`None`: if there is none); `None` removes. Says whether it did."""
        old = None if expected is None else data(expected, "kv.swap: `expected`")
        new = None if value is None else data(value, "kv.swap: `value`")
        return self._call("swap", "delete" if new is None else "set", host.kv.swap, text(key, "kv.swap: `key`"), old, new)

    def _call(self, function, action, ask, key, *arguments):
        store = text(self.name, f"kv.{function}: the store's name")
        return host.call(f"kv {action} {store}/{key}", ask, store, key, *arguments)

    def __getitem__(self, key):
        value = self.get(key)
        if value is None:
            raise KeyError(key)
        return value

    def __setitem__(self, key, value):
        self.set(key, value)

    def __delitem__(self, key):
        if not self.delete(key):
            raise KeyError(key)

    def __contains__(self, key):
        return self.get(key) is not None

    def __iter__(self):
        return iter(self.list())

    def __repr__(self):
        return f"bailiwick.kv({self.name!r})"


def kv(name: str) -> Store:
    """A store, by its name in the policy."""
    return Store(name)
