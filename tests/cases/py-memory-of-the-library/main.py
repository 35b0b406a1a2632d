import collections
import gc
import json
import sys
import weakref


class Node:
    pass


freed = []
node = Node()
weakref.finalize(node, freed.append, "node")
del node
one, two = Node(), Node()
one.other, two.other = two, one
weakref.finalize(one, freed.append, "cycle")
del one, two
gc.collect()
print(freed)

IMMORTAL = 1 << 30
for name, value in {"module": json, "class": collections.OrderedDict, "function": json.dumps, "code": json.dumps.__code__, "own": Node}.items():
    print(name, sys.getrefcount(value) >= IMMORTAL)
blocks = [bytearray(1 << 20) for _ in range(8)]
for _ in range(40):
    blocks[:] = [bytearray(1 << 20) for _ in range(8)]
result = len(blocks)
