"""Headers."""

from collections.abc import Mapping, MutableMapping

from _bailiwick.arguments import text


class CaseInsensitiveDict(MutableMapping):
    """A dict whose keys are text in any case; it remembers the case of the last one set."""

    def __init__(self, data=None, **named):
        self._store = {}
        self.update({} if data is None else data, **named)

    def __setitem__(self, key, value):
        key = text(key.decode("latin-1") if isinstance(key, bytes) else key, "requests: the name of a header")
        self._store[key.lower()] = (key, value)

    def __getitem__(self, key):
        return self._store[key.lower()][1]

    def __delitem__(self, key):
        del self._store[key.lower()]

    def __iter__(self):
        return (key for key, _ in self._store.values())

    def __len__(self):
        return len(self._store)

    def lower_items(self):
        return ((lower, pair[1]) for lower, pair in self._store.items())

    def __eq__(self, other):
        if not isinstance(other, Mapping):
            return NotImplemented
        return dict(self.lower_items()) == dict(CaseInsensitiveDict(other).lower_items())

    def copy(self):
        return CaseInsensitiveDict(self.items())

    def __repr__(self):
        return str(dict(self.items()))
