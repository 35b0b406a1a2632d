from functools import lru_cache
from itertools import combinations
from typing import NamedTuple


class Item(NamedTuple):
    name: str
    weight: int
    value: int


items = tuple(Item(*fields) for fields in input["items"])
capacity = input["capacity"]


def by_table(items, capacity):
    best = [[0] * (capacity + 1) for _ in range(len(items) + 1)]
    for row, item in enumerate(items, 1):
        for room in range(capacity + 1):
            best[row][room] = best[row - 1][room]
            if item.weight <= room:
                best[row][room] = max(best[row][room], best[row - 1][room - item.weight] + item.value)
    chosen, room = [], capacity
    for row in range(len(items), 0, -1):
        if best[row][room] != best[row - 1][room]:
            chosen.append(items[row - 1])
            room -= items[row - 1].weight
    return best[-1][-1], chosen[::-1]


@lru_cache(maxsize=None)
def by_recursion(index, room):
    if index == len(items):
        return 0
    item = items[index]
    skipped = by_recursion(index + 1, room)
    if item.weight > room:
        return skipped
    return max(skipped, by_recursion(index + 1, room - item.weight) + item.value)


def by_force(items, capacity):
    subsets = (subset for size in range(len(items) + 1) for subset in combinations(items, size))
    fitting = (subset for subset in subsets if sum(item.weight for item in subset) <= capacity)
    return max(sum(item.value for item in subset) for subset in fitting)


value, chosen = by_table(items, capacity)
assert value == by_recursion(0, capacity) == by_force(items, capacity)
print(f"{value} with {', '.join(item.name for item in chosen)}; {by_recursion.cache_info().misses} states")

result = {"value": value, "weight": sum(item.weight for item in chosen), "items": [item._asdict() for item in chosen]}
