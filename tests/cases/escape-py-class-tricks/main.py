import io
import os


def attempt(name, act):
    try:
        print(f"{name}: {act()!r}")
    except BaseException as error:
        print(f"{name}: {type(error).__name__} {getattr(error, 'code', '') or ''}".rstrip())


file = open("/box/seed.txt")
raw = getattr(getattr(file, "buffer", file), "raw", file)


def rename(thing, value):
    for attribute in ("name", "path", "_path", "_name", "fd", "_fd", "_handle", "handle"):
        try:
            setattr(thing, attribute, value)
        except (AttributeError, TypeError):
            pass
    return "tried"


attempt("rename the open file", lambda: rename(raw, "/etc/passwd"))
attempt("and read it", lambda: file.read())
attempt("reopen", lambda: raw.__init__("/etc/passwd"))
attempt("a class of the same shape", lambda: setattr(raw, "__class__", type("Raw", (io.FileIO,), {})))


class Everything:
    """Answers every attribute and every item with itself, and is every path."""

    def __getattr__(self, name):
        return self

    def __call__(self, *_, **__):
        return self

    def __fspath__(self):
        return "/etc/passwd"

    def __index__(self):
        return 0

    def __iter__(self):
        return iter(["/etc/passwd"])


attempt("everything as a path", lambda: open(Everything()).read())
attempt("everything as a folder", lambda: os.listdir(Everything()))
attempt("type with three", lambda: type("X", (object,), {"__fspath__": lambda self: b"/etc/passwd"})().__fspath__())
attempt("bytes path", lambda: open(type("X", (object,), {"__fspath__": lambda self: b"/etc/passwd"})()).read())
attempt("abstract", lambda: os.PathLike.register(int) and open(10**6))
attempt("new without init", lambda: io.FileIO.__new__(io.FileIO).read())
attempt("builtins of a builtin", lambda: open.__self__.open("{{root}}/canary.txt").read())
attempt("wrapped", lambda: getattr(open, "__wrapped__", open)("/etc/passwd").read())
attempt("closure", lambda: [cell.cell_contents for cell in (getattr(open, "__closure__", None) or ())] == [])
attempt("defaults", lambda: getattr(open, "__defaults__", None) is None)
