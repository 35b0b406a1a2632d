import os
import tempfile
from pathlib import Path


def attempt(name, act):
    try:
        print(f"{name}: {act()!r}")
    except BaseException as error:
        print(f"{name}: {type(error).__name__} {getattr(error, 'code', '') or ''}".rstrip())


for place in ("/tmp", "/var/tmp", "/dev/shm", "/run", "/home", "/root", "/", ".", "", "/usr/lib", "/etc/cron.d", "/var/spool/cron"):
    attempt(place, lambda: Path(place, "x").write_text("left behind"))
attempt("in memory", lambda: tempfile.SpooledTemporaryFile(max_size=1000).write(b"x" * 100))
attempt("mkdir", lambda: os.makedirs("/a/b/c"))
attempt("cwd", lambda: os.getcwd())
attempt("pycache", lambda: __import__("py_compile").compile("/x.py", cfile="/x.pyc", doraise=True))

# Their names are random; that none is made is all that is the same every time.
tempfile._RandomNameSequence = lambda: iter(["a-name"] * 10)
attempt("tempfile", lambda: tempfile.NamedTemporaryFile().name)
attempt("mkdtemp", lambda: tempfile.mkdtemp())
attempt("spooled", lambda: tempfile.SpooledTemporaryFile(max_size=10).write(b"x" * 100))
