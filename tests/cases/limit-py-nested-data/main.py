import copy
import json
import marshal
import pickle


def nested(make, depth=20_000):
    value = None
    for _ in range(depth):
        value = make(value)
    return value


def attempt(name, act):
    try:
        act()
        print(name, "worked")
    except (RecursionError, MemoryError, ValueError, SyntaxError) as error:
        print(name, type(error).__name__)


for name, make in {"list": lambda inner: [inner], "tuple": lambda inner: (inner,), "dict": lambda inner: {"k": inner}}.items():
    one, two = nested(make), nested(make)
    attempt(f"{name}: repr", lambda: repr(one))
    attempt(f"{name}: equal", lambda: one == two)
    attempt(f"{name}: json", lambda: json.dumps(one))
    attempt(f"{name}: pickle", lambda: pickle.dumps(one))
    attempt(f"{name}: marshal", lambda: marshal.dumps(one))
    attempt(f"{name}: deepcopy", lambda: copy.deepcopy(one))
    attempt(f"{name}: free", lambda: one.clear() if hasattr(one, "clear") else None)
attempt("hash", lambda: hash(nested(lambda inner: (inner,))))
attempt("json text", lambda: json.loads("[" * 100_000 + "]" * 100_000))
result = "still here"
