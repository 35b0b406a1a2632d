import bailiwick
import time

memory = bailiwick.kv("memory")
computed = 0


def square(n):
    global computed
    key = f"squares/{n}"
    found = memory.get_json(key)
    if found is None:
        computed += 1
        found = {"n": n, "square": n * n}
        memory.set_json(key, found, ttl=3600)
    memory.increment("asked")
    return found["square"]


squares = [square(n) for n in (2, 3, 2, 4, 3, 2)]
memory.set("brief", "soon over", ttl=0.05)
was = memory.get_text("brief")
time.sleep(0.2)
memory["colour"] = "blue"
memory["bytes"] = b"\x00\xff"
names = list(memory)
del memory["colour"]
errors = []
for try_ in (
    lambda: memory["colour"],
    lambda: memory.__delitem__("colour"),
    lambda: memory.set("x", "y", ttl=0),
    lambda: memory.set("x", "y", ttl=-1),
    lambda: memory.set("x", 5),
    lambda: memory.increment("brief-text"),
    lambda: memory.set("keys/api", "x"),
    lambda: memory.get("../settings/a"),
    lambda: memory.set("big", b"x" * (2**20 + 1)),
    lambda: bailiwick.kv("settings").set("mode", "x"),
    lambda: bailiwick.kv("other").get("a"),
):
    memory.set("brief-text", "no number")
    try:
        errors.append(f"no error: {try_()!r}")
    except Exception as error:
        errors.append(f"{type(error).__name__} {getattr(error, 'code', '')}")
        print(error)

swapped = [memory.swap("lock", None, "me"), memory.swap("lock", None, "you"), memory.swap("lock", "me", None)]
page = memory.list("squares", limit=2)
result = {
    "squares": squares, "computed": computed, "asked": memory.get_text("asked"), "was": was, "now": memory.get_text("brief", "gone"),
    "names": names, "bytes": memory["bytes"].hex(), "errors": errors, "swapped": swapped,
    "pages": [page, memory.list("squares", after=page[-1])], "in": ["bytes" in memory, "colour" in memory],
}
