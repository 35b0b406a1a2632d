import gc
import sys
import types

import bailiwick
import requests

# What the snapshot froze is not among `gc.get_objects()`, and is reached from what the script holds.
found, seen = {}, set()
queue = [open, print, bailiwick, requests, sys.modules, sys.meta_path, *gc.get_objects()]
while queue and len(seen) < 400_000:
    thing = queue.pop()
    if id(thing) in seen or isinstance(thing, (str, bytes, int, float)):
        continue
    seen.add(id(thing))
    if isinstance(thing, (types.FunctionType, types.BuiltinFunctionType)):
        found.setdefault(f"{thing.__module__}.{thing.__qualname__}", thing)
    queue.extend(gc.get_referents(thing))
print("many are found:", len(found) > 1000)

codes = set()


def probe(function, *arguments):
    try:
        answer = function(*arguments)
        if isinstance(answer, (str, bytes)) and len(answer):
            codes.add("an answer")
        close = getattr(answer, "close", None)
        if close:
            close()
    except BaseException as error:
        codes.add(getattr(error, "code", None) or "an error")


# Those that a runner has for effects, by the names that they may have.
WORDS = ("read", "open", "fetch", "send", "list", "stat", "load", "get_data", "readlink")
candidates = [
    (name, function)
    for name, function in sorted(found.items())
    if name.rsplit(".", 1)[-1].lstrip("_") in WORDS and name.split(".")[0] not in ("__main__", "wit_world", "componentize_py_runtime")
]
for name, function in candidates:
    probe(function, "{{root}}/canary.txt")
    probe(function, "/etc/passwd", 0, 100)
print("candidates:", len(candidates) > 3, "| a file of the host:", "an answer" in codes)
print(*sorted(str(code) for code in codes if str(code).startswith("deny.")))

referrers = [r for r in gc.get_referrers(open) if isinstance(r, dict)]
for space in referrers[:50]:
    for name, value in list(space.items()):
        if value is open and name != "open":
            print("open is also known as", name)
try:
    sys.modules["gc"].freeze()
    gc.disable()
    gc.set_threshold(0)
except Exception as error:
    print(type(error).__name__)
