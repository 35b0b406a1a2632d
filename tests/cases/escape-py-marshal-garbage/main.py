import marshal
import random


def answer():
    return 6 * 7


good = marshal.dumps(answer.__code__)
assert eval(marshal.loads(good)) == 42

rng = random.Random(7)
outcomes = {"value": 0, "error": 0}
for _ in range(300):
    bad = bytearray(good)
    # Sizes and type bytes, not instructions: running those is the subject of another case.
    bad[rng.randrange(len(bad))] ^= 1 << rng.randrange(8)
    try:
        marshal.loads(bytes(bad))
        outcomes["value"] += 1
    except (ValueError, EOFError, TypeError, MemoryError, SystemError, RecursionError):
        outcomes["error"] += 1
print("all were answered:", sum(outcomes.values()))

for bad in (b"(\xff\xff\xff\x7f", b"s\xff\xff\xff\x7fx", b"[" * 50 + b"\0" * 8, b"r\xff\0\0\0", b"\xdb\x01\0\0\0r\0\0\0\0"):
    try:
        print(type(marshal.loads(bad)).__name__)
    except Exception as error:
        print(type(error).__name__)
