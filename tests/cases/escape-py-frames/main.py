def attempt(name, act):
    try:
        print(f"{name}: {act()!r}")
    except BaseException as error:
        print(f"{name}: {type(error).__name__} {getattr(error, 'code', '')}".rstrip())


import sys

frame, outer = sys._getframe(), []
while frame := frame.f_back:
    outer.append(frame)
print("frames outside the script are reached:", len(outer) > 0)

spaces = [space for frame in outer for space in (frame.f_globals, frame.f_locals, frame.f_builtins)]
names = {name for space in spaces for name in space}
print("something secret by name:", sorted(name for name in names if "token" in name.lower() or "secret" in name.lower()))

# Whatever callable the runner has that sounds like an effect is called with what is not granted.
for space in spaces:
    opener = space.get("open")
    if callable(opener):
        attempt("open of an outer frame", lambda: opener("{{root}}/canary.txt").read())
        break

if outer:
    # Lying to the runner about its own variables.
    for frame in outer:
        for name in list(frame.f_locals):
            if name in ("grant", "allowed", "denied"):
                try:
                    frame.f_locals[name] = None
                except Exception as error:
                    print("not writable:", type(error).__name__)
attempt("after the lies", lambda: open("/etc/passwd").read())
