import collections
import itertools

print(next(itertools.islice(itertools.count(), 10**5, None)))
collections.deque(itertools.cycle([1]), maxlen=0)
