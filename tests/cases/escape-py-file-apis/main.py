import codecs
import configparser
import fileinput
import gzip
import importlib
import io
import linecache
import mimetypes
import netrc
import os
import pathlib
import pkgutil
import runpy
import shutil
import sqlite3
import tokenize
import zipfile

P = "/etc/passwd"


def attempt(name, act):
    try:
        print(f"{name}: {act()!r}")
    except BaseException as error:
        print(f"{name}: {type(error).__name__} {getattr(error, 'code', '') or ''}".rstrip())


attempt("open", lambda: open(P).read())
attempt("bytes", lambda: open(P.encode(), "rb").read())
attempt("os.open", lambda: os.read(os.open(P, os.O_RDONLY), 99))
attempt("FileIO", lambda: io.FileIO(P).readall())
attempt("open_code", lambda: io.open_code(P).read())
attempt("opener", lambda: open(P, opener=lambda path, flags: os.open(path, flags)).read())
attempt("_io", lambda: importlib.import_module("_io").open(P).read())
attempt("_pyio", lambda: importlib.import_module("_pyio").open(P).read())
attempt("pathlib", lambda: pathlib.Path(P).read_text())
attempt("copy", lambda: shutil.copyfileobj(open(P), io.StringIO()))
attempt("copyfile", lambda: shutil.copyfile(P, "/copy"))
attempt("linecache", lambda: linecache.getlines(P))
attempt("lazy linecache", lambda: linecache.getline(P, 1))
attempt("tokenize", lambda: tokenize.open(P).read())
attempt("codecs", lambda: codecs.open(P, encoding="latin-1").read())
attempt("fileinput", lambda: list(fileinput.input(P)))
attempt("gzip", lambda: gzip.open(P).read())
attempt("zipfile", lambda: zipfile.ZipFile(P).namelist())
attempt("is_zipfile", lambda: zipfile.is_zipfile(P))
attempt("sqlite3", lambda: sqlite3.connect(f"file:{P}?mode=ro", uri=True).execute("select * from sqlite_master").fetchall())
attempt("configparser", lambda: configparser.ConfigParser().read(P))
attempt("netrc", lambda: netrc.netrc(P).hosts)
attempt("mimetypes", lambda: len(mimetypes.read_mime_types(P) or {}))
attempt("pkgutil", lambda: pkgutil.get_data("json", "../../../../../../etc/passwd"))
attempt("runpy", lambda: runpy.run_path(P))
attempt("SourceFileLoader", lambda: importlib.import_module("importlib.machinery").SourceFileLoader("x", P).get_data(P))
attempt("stat", lambda: os.stat(P).st_size)
attempt("exists", lambda: os.path.exists(P))
attempt("access", lambda: os.access(P, os.R_OK))
attempt("scandir", lambda: [entry.name for entry in os.scandir("/etc")])
attempt("walk", lambda: list(os.walk("/etc")))
attempt("glob", lambda: list(pathlib.Path("/etc").glob("pass*")))
attempt("truncate", lambda: os.truncate(P, 0))
attempt("chmod", lambda: os.chmod(P, 0o777))
attempt("utime", lambda: os.utime(P))
attempt("unlink", lambda: os.unlink(P))
