"""Key-value stores."""

from json import dumps, loads

from _bailiwick import host


class Store:
    """One store, by its name in the policy. Values are bytes; text is stored as UTF-8."""

    def __init__(self, name: str):
        self.name = name

    def get(self, key: str, default=None) -> bytes:
        """The value of a key, or `default`."""
        value = host.call(f"kv get {self.name}/{key}", host.kv.get, self.name, key)
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
        if ttl is not None and not ttl > 0:
            raise ValueError("`ttl` is a number of seconds above 0")
        milliseconds = None if ttl is None else max(1, int(ttl * 1000))
        host.call(f"kv set {self.name}/{key}", host.kv.set, self.name, key, _bytes(value), milliseconds)

    def set_json(self, key: str, value, ttl: float | None = None) -> None:
        """Sets a value to the JSON text of `value`."""
        self.set(key, dumps(value), ttl)

    def delete(self, key: str) -> bool:
        """Removes a key; says whether there was one."""
        return host.call(f"kv delete {self.name}/{key}", host.kv.delete, self.name, key)

    def list(self, prefix: str = "", after: str | None = None, limit: int = 1000) -> list[str]:
        """What is directly below a prefix, by name; names with a slash at their end have more below them."""
        return host.call(f"kv list {self.name}/{prefix}", host.kv.list, self.name, prefix, after, limit)

    def increment(self, key: str, by: int = 1) -> int:
        """Adds to a number, which is 0 when there is no such key; gives the sum."""
        return host.call(f"kv set {self.name}/{key}", host.kv.increment, self.name, key, by)

    def swap(self, key: str, expected: bytes | str | None, value: bytes | str | None) -> bool:
        """Sets a value if the present one is `expected` (`None`: if there is none); `None` removes. Says whether it did."""
        old = None if expected is None else _bytes(expected)
        new = None if value is None else _bytes(value)
        action = "delete" if new is None else "set"
        return host.call(f"kv {action} {self.name}/{key}", host.kv.swap, self.name, key, old, new)

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


def _bytes(value):
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value)
    raise TypeError(f"a value is bytes or text, not {type(value).__name__}; `set_json` takes anything that JSON can say")


def kv(name: str) -> Store:
    """A store, by its name in the policy."""
    return Store(name)
