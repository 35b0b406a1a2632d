import bisect
import heapq
import itertools
import operator
from functools import partial, reduce, singledispatch

sensors = input["sensors"]


def readings(name):
    for second, value in sensors[name]:
        yield second, name, value


merged = list(heapq.merge(*map(readings, sensors)))
assert merged == sorted(merged)

minutes = {
    minute: {name: value for _, name, value in group}
    for minute, group in itertools.groupby(merged, key=lambda reading: reading[0] // 60)
}


def value_at(series, second):
    """The last reading at or before a moment."""
    at = bisect.bisect_right(series, second, key=operator.itemgetter(0))
    return series[at - 1][1] if at else None


at_100 = {name: value_at(series, 100) for name, series in sensors.items()}
jumps = [
    (name, round(after[1] - before[1], 2))
    for name, series in sensors.items()
    for before, after in itertools.pairwise(series)
    if abs(after[1] - before[1]) > 0.45
]
running = list(itertools.accumulate((value for _, _, value in merged), max))
windows = list(itertools.batched((second for second, *_ in merged), 4))
largest = heapq.nlargest(2, merged, key=operator.itemgetter(2))
product = reduce(operator.mul, itertools.islice(itertools.count(1), 10), 1)


@singledispatch
def show(value):
    return f"<{value}>"


@show.register
def _(value: float):
    return f"{value:.1f}"


@show.register(list)
@show.register(tuple)
def _(value):
    return " ".join(map(show, value))


scale = partial(round, ndigits=1)
print(show([1, 2.25, "three", (4.0, 5)]), scale(2.345), product)
print(windows, largest)
result = {"minutes": len(minutes), "at_100": at_100, "jumps": jumps, "highest": running[-1]}
