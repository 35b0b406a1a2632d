import os
import shutil
from pathlib import Path


def attempt(name, act):
    try:
        print(f"{name}: {act()!r}")
    except BaseException as error:
        print(f"{name}: {type(error).__name__} {getattr(error, 'code', '') or ''}".rstrip())


for name in ("inside", "to-file", "to-passwd", "to-folder/canary.txt", "to-folder/box/seed.txt", "loop"):
    attempt(f"read {name}", lambda: Path("/box", name).read_text())
for name in ("to-file", "to-folder"):
    attempt(f"write {name}", lambda: Path("/box", name).write_text("mine"))
    attempt(f"stat {name}", lambda: os.stat(f"/box/{name}").st_size)
    attempt(f"readlink {name}", lambda: os.readlink(f"/box/{name}"))
attempt("list to-folder", lambda: os.listdir("/box/to-folder"))
attempt("realpath", lambda: os.path.realpath("/box/to-folder/.."))

attempt("symlink", lambda: os.symlink("../canary.txt", "/box/made"))
attempt("absolute symlink", lambda: os.symlink("/etc/passwd", "/box/made"))
attempt("hard link", lambda: os.link("/etc/passwd", "/box/hard"))
attempt("hard link within", lambda: os.link("/box/seed.txt", "/box/hard"))
attempt("copy of a link", lambda: shutil.copy("/box/to-passwd", "/box/copy", follow_symlinks=False))
attempt("rename over a link", lambda: os.replace("/box/seed.txt", "/box/to-folder/canary.txt"))
attempt("remove through a link", lambda: os.unlink("/box/to-folder/canary.txt"))
