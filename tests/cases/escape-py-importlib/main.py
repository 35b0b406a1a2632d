import importlib
import importlib.machinery
import importlib.resources
import importlib.util
import sys


def attempt(name, act):
    try:
        print(f"{name}: {act()!r}")
    except BaseException as error:
        print(f"{name}: {type(error).__name__} {getattr(error, 'code', '') or ''}".rstrip())


P, C = "/etc/passwd", "{{root}}/canary.txt"
attempt("source", lambda: importlib.machinery.SourceFileLoader("x", P).get_source("x"))
attempt("data", lambda: importlib.machinery.SourceFileLoader("x", C).get_data(C))
attempt("byte code", lambda: importlib.machinery.SourcelessFileLoader("x", P).get_code("x"))
attempt("frozen external", lambda: sys.modules["_frozen_importlib_external"].FileLoader("x", P).get_data(P))
attempt("_io", lambda: sys.modules["_frozen_importlib_external"]._io.FileIO(P).read())
attempt("_os", lambda: sys.modules["_frozen_importlib_external"]._os.listdir("/etc"))
attempt("finder", lambda: importlib.machinery.FileFinder("/etc", (importlib.machinery.SourceFileLoader, [""])).find_spec("passwd"))
attempt("spec", lambda: importlib.util.module_from_spec(importlib.util.spec_from_file_location("p", P)).__loader__.get_data(P))
attempt("resources", lambda: importlib.resources.files("json").joinpath("../../../etc/passwd").read_text())
attempt("built in", lambda: importlib.machinery.BuiltinImporter.load_module("posix").open(P, 0))
attempt("_imp", lambda: importlib.import_module("_imp").create_builtin(importlib.util.spec_from_loader("posix", None)).system("id"))
attempt("dynamic", lambda: importlib.import_module("_imp").create_dynamic(importlib.util.spec_from_file_location("x", "/lib/libc.so.6")))
attempt("relative", lambda: importlib.import_module("..passwd", "etc.x"))
attempt("dotted", lambda: importlib.import_module("/etc/passwd"))
attempt("meta path", lambda: [type(finder).__name__ if not isinstance(finder, type) else finder.__name__ for finder in sys.meta_path][:1] != [])


class Finder:
    @staticmethod
    def find_spec(name, path=None, target=None):
        return importlib.util.spec_from_file_location(name, P) if name == "wanted" else None


sys.meta_path.insert(0, Finder)
attempt("own finder", lambda: importlib.import_module("wanted"))
sys.meta_path.remove(Finder)
sys.path_hooks.insert(0, lambda entry: importlib.machinery.FileFinder("/etc", (importlib.machinery.SourceFileLoader, [""])))
sys.path_importer_cache.clear()
attempt("own hook", lambda: importlib.import_module("passwd"))
