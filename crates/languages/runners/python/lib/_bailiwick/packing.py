"""Build time: the standard library and the operator's packages, compiled into the store of modules."""

from _bailiwick.own import BUILTINS as __builtins__

import os

_MAX_FILE = 8 << 20
_NATIVE = (".so", ".pyd", ".dylib", ".dll")
_NO_DATA = (".py", ".pyc", ".pyi", ".pyx", ".c", ".h", ".typed")


def standard_library(store, left_out):
    """Takes in the standard library, from where the build tool shows it."""
    _walk(store, "/python", "", left_out, False)


def packages(store, folder):
    """Takes in every package below a folder, with the files that it reads. Returns the top-level names."""
    _walk(store, folder, "", frozenset(("__pycache__", "bin")), True)
    tops = []
    for name in sorted(os.listdir(folder)):
        path = f"{folder}/{name}"
        if name.endswith(".py") and name[:-3].isidentifier():
            tops.append(name[:-3])
        elif name.isidentifier() and os.path.isfile(f"{path}/__init__.py"):
            tops.append(name)
    return tops


def _walk(store, folder, prefix, left_out, data):
    for name in sorted(os.listdir(folder)):
        path = f"{folder}/{name}"
        if name in left_out or name.removesuffix(".py") in left_out:
            continue
        if os.path.isdir(path):
            if name.isidentifier() or data:
                package = f"{prefix}{name}." if name.isidentifier() else "-"
                _walk(store, path, package, frozenset(("__pycache__", "tests", "test")), data)
        elif name.endswith(".py") and not prefix.startswith("-") and name[:-3].isidentifier():
            _compile(store, path, prefix, name[:-3])
        elif name.endswith(_NATIVE):
            raise SystemExit(f"`{path}` is native code, which does not run here")
        elif data and not name.endswith(_NO_DATA) and os.path.getsize(path) <= _MAX_FILE:
            with open(path, "rb") as file:
                store.add_file(path, file.read())


def _compile(store, path, prefix, name):
    with open(path, "rb") as file:
        source = file.read()
    package = name == "__init__"
    full = prefix[:-1] if package else prefix + name
    if not full:
        return
    try:
        code = compile(source, path, "exec", dont_inherit=True, optimize=0)
    except (SyntaxError, ValueError) as error:
        print(f"left out {full}: {error}")
        return
    store.add_module(full, code, path, package)
