import importlib
import importlib.machinery
import importlib.util
import sys


def attempt(name, act):
    try:
        print(f"{name}: {act()!r}")
    except BaseException as error:
        print(f"{name}: {type(error).__name__} {getattr(error, 'code', '')}".rstrip())


for name in ("_ctypes", "cffi", "_cffi_backend", "_testcapi", "_testinternalcapi", "numpy", "_posixsubprocess", "mmap"):
    attempt(name, lambda: importlib.import_module(name).__name__)


def libc():
    import ctypes
    return ctypes.CDLL(None).system(b"id")


def peek():
    import ctypes
    return ctypes.string_at(id(42), 16)


attempt("ctypes.CDLL", libc)
attempt("ctypes.string_at", peek)
print("extension suffixes:", [s for s in importlib.machinery.EXTENSION_SUFFIXES if "/" in s])


def load_library():
    loader = importlib.machinery.ExtensionFileLoader("x", "/lib/x86_64-linux-gnu/libc.so.6")
    return loader.create_module(importlib.util.spec_from_loader("x", loader))


attempt("a shared library", load_library)
attempt("dlopen flags", lambda: sys.getdlopenflags())
