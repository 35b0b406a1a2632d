"""Imports. Modules come from this store and from nowhere else: not from files, which a script may have written itself."""

from _bailiwick.own import BUILTINS as __builtins__

import functools
import importlib.util
import io
import marshal
import sys
import zlib
from importlib.machinery import BuiltinImporter, FrozenImporter, ModuleSpec

from _bailiwick import catalogue


class Store:
    """The modules that a script may import, compressed, and the files that came with packages.

    An instance is both finder and loader of the import system.
    """

    def __init__(self):
        self._modules = {}
        self._files = {}
        self._distributions = ()

    def add_module(self, name, code, path, package):
        """Takes in a module's code, whose file was `path`."""
        self._modules[name] = (zlib.compress(marshal.dumps(code), 9), path, package)

    def add_file(self, path, data):
        """Takes in a file that a package reads through `importlib.resources` or `pkgutil`."""
        self._files[path] = zlib.compress(data, 9)

    def names(self):
        """Names of all modules in the store."""
        return list(self._modules)

    # The finder.

    def find_spec(self, name, path=None, target=None):
        """Finds a module by its full name; says why when a well-known one is absent."""
        known = self._modules.get(name)
        if known is not None:
            spec = ModuleSpec(name, self, origin=known[1], is_package=known[2])
            spec.has_location = True
            if known[2]:
                spec.submodule_search_locations = [known[1].rpartition("/")[0]]
            return spec
        top = name.partition(".")[0]
        why = catalogue.ABSENT.get(top)
        if why is not None:
            raise ModuleNotFoundError(f"No module named {name!r}: {why}", name=name)
        return None

    def find_distributions(self, context=None):
        """Installed packages, for `importlib.metadata`."""
        from importlib.metadata import Distribution

        wanted = None if context is None else context.name
        found = []
        for path in self._files:
            if path.endswith(".dist-info/METADATA"):
                folder = path.rpartition("/")[0]
                found.append(_distribution(Distribution, self, folder))
        return [one for one in found if wanted is None or _same(one.metadata["Name"], wanted)]

    def invalidate_caches(self):
        """There is nothing to look up again."""

    # The loader.

    def create_module(self, spec):
        return None

    def exec_module(self, module):
        """Runs a module's code in it."""
        exec(self.get_code(module.__spec__.name), module.__dict__)

    def get_code(self, name):
        """A module's code."""
        packed = self._module(name)[0]
        return marshal.loads(zlib.decompress(packed))

    def get_source(self, name):
        """Sources are not kept."""
        return None

    def is_package(self, name):
        return self._module(name)[2]

    def get_filename(self, name):
        return self._module(name)[1]

    def get_data(self, path):
        """A file that came with a package."""
        packed = self._files.get(str(path))
        if packed is None:
            raise FileNotFoundError(2, "no such file came with an installed package", str(path))
        return zlib.decompress(packed)

    def get_resource_reader(self, name):
        """For `importlib.resources`."""
        _, path, package = self._module(name)
        return _Reader(self, path.rpartition("/")[0]) if package else None

    def files_below(self, folder):
        """Paths of the packages' files below a folder."""
        return [path for path in self._files if path.startswith(folder + "/")]

    def _module(self, name):
        try:
            return self._modules[name]
        except KeyError:
            raise ImportError(f"No module named {name!r}", name=name) from None


class Explain:
    """The last finder: an import that nobody could serve fails with a reason."""

    def __init__(self, store):
        self._tops = {name.partition(".")[0] for name in store.names()}

    def find_spec(self, name, path=None, target=None):
        """Never finds anything."""
        top = name.partition(".")[0]
        if "." in name or top in self._tops or top in sys.builtin_module_names or top.startswith("_"):
            return None
        if top in catalogue.NATIVE:
            hint = f"it has native code, which does not run here; use {catalogue.NATIVE[top]}"
        elif sys.path:
            hint = "modules are not imported from files; read the file and `exec` its text"
        else:
            hint = f"no module of this interpreter: a script is one file, and {catalogue.PACKAGES}"
        raise ModuleNotFoundError(f"No module named {name!r}: {hint}", name=name)


class _Reader:
    """The files of one package, as `importlib.resources` reads them."""

    def __init__(self, store, folder):
        self._store = store
        self._folder = folder

    def files(self):
        return _Path(self._store, self._folder)

    def open_resource(self, resource):
        return io.BytesIO(self._store.get_data(f"{self._folder}/{resource}"))

    def resource_path(self, resource):
        raise FileNotFoundError(resource)

    def is_resource(self, path):
        return (self.files() / path).is_file()

    def contents(self):
        return (entry.name for entry in self.files().iterdir())


class _Path:
    """A file or folder of a package: the protocol `importlib.resources.abc.Traversable`."""

    def __init__(self, store, path):
        self._store = store
        self._path = path
        self.name = path.rpartition("/")[2]

    def iterdir(self):
        start = len(self._path) + 1
        names = dict.fromkeys(path[start:].partition("/")[0] for path in self._store.files_below(self._path))
        return (self / name for name in names)

    def is_dir(self):
        return bool(self._store.files_below(self._path))

    def is_file(self):
        return self._path in self._store._files

    def joinpath(self, *parts):
        return _Path(self._store, "/".join((self._path, *map(str, parts))))

    __truediv__ = joinpath

    def open(self, mode="r", *arguments, **options):
        data = io.BytesIO(self.read_bytes())
        return data if "b" in mode else io.TextIOWrapper(data, *arguments, **options)

    def read_bytes(self):
        return self._store.get_data(self._path)

    def read_text(self, encoding="utf-8", errors="strict"):
        return self.read_bytes().decode(encoding or "utf-8", errors or "strict")

    def __str__(self):
        return self._path

    __fspath__ = __str__


def _distribution(base, store, folder):
    class Installed(base):
        """One package's metadata."""

        def read_text(self, filename):
            try:
                return store.get_data(f"{folder}/{filename}").decode()
            except FileNotFoundError:
                return None

        def locate_file(self, path):
            return _Path(store, f"{folder.rpartition('/')[0]}/{path}")

    return Installed()


def _same(one, other):
    return one.replace("_", "-").lower() == other.replace("_", "-").lower()


def sources(store):
    """The finders of a run: the store and the interpreter's own modules are the only sources of imports."""
    find = importlib.util.find_spec

    @functools.wraps(find)
    def find_spec(name, package=None):
        try:
            return find(name, package)
        except ModuleNotFoundError as error:
            if error.name == name:
                return None
            raise

    importlib.util.find_spec = find_spec
    return [store, BuiltinImporter, FrozenImporter, Explain(store)]
