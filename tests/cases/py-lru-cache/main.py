import functools
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any, Callable, Generic, Hashable, TypeVar

V = TypeVar("V")


@dataclass
class Statistics:
    hits: int = 0
    misses: int = 0
    evictions: int = 0
    expired: int = 0

    @property
    def ratio(self) -> float:
        return self.hits / max(1, self.hits + self.misses)


@dataclass
class Cache(Generic[V]):
    capacity: int
    lifetime: float
    clock: Callable[[], float]
    statistics: Statistics = field(default_factory=Statistics)
    _entries: "OrderedDict[Hashable, tuple[float, V]]" = field(default_factory=OrderedDict, repr=False)

    def get(self, key: Hashable, make: Callable[[], V]) -> V:
        if key in self._entries:
            made, value = self._entries[key]
            if self.clock() - made <= self.lifetime:
                self._entries.move_to_end(key)
                self.statistics.hits += 1
                return value
            del self._entries[key]
            self.statistics.expired += 1
        self.statistics.misses += 1
        value = make()
        self._entries[key] = (self.clock(), value)
        if len(self._entries) > self.capacity:
            self._entries.popitem(last=False)
            self.statistics.evictions += 1
        return value


def cached(cache: Cache[Any]):
    def decorate(function):
        @functools.wraps(function)
        def wrapper(*args, **kwargs):
            key = (function.__qualname__, args, tuple(sorted(kwargs.items())))
            return cache.get(key, lambda: function(*args, **kwargs))

        return wrapper

    return decorate


now = 0.0
cache: Cache[Any] = Cache(capacity=3, lifetime=10, clock=lambda: now)
calls = []


@cached(cache)
def square(number: int, *, shift: int = 0) -> int:
    """Squares, and remembers."""
    calls.append(number)
    return number * number + shift


answers = []
for now, number in [(0, 2), (1, 3), (2, 2), (3, 4), (4, 5), (5, 3), (6, 2), (11, 2), (17, 2)]:
    answers.append(square(number))
square(2, shift=1)
assert square.__doc__ == "Squares, and remembers."

print(cache.statistics)
result = {"answers": answers, "computed": calls, "ratio": round(cache.statistics.ratio, 3)}
