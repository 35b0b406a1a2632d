import importlib.util
import runpy
import sys
import zipfile
from pathlib import Path

EVIL = '''
import os
told = []
for act in (lambda: open("/etc/passwd").read(), lambda: open("{{root}}/canary.txt").read(), lambda: os.system("id"), lambda: open("/planted.txt", "w")):
    try:
        told.append(repr(act()))
    except BaseException as error:
        told.append(getattr(error, "code", None) or type(error).__name__)
'''
Path("/box/evil.py").write_text(EVIL)
Path("/box/json.py").write_text("dumps = loads = None\nevil = True\n")
with zipfile.ZipFile("/box/evil.zip", "w") as archive:
    archive.writestr("zipped_evil.py", EVIL)


def attempt(name, act):
    try:
        print(f"{name}: {act()!r}")
    except BaseException as error:
        print(f"{name}: {type(error).__name__} {getattr(error, 'code', '') or ''}".rstrip())


def by_path():
    sys.path.insert(0, "/box")
    try:
        import evil
        return evil.told
    finally:
        sys.path.remove("/box")


def by_zip():
    sys.path.insert(0, "/box/evil.zip")
    try:
        import zipped_evil
        return zipped_evil.told
    finally:
        sys.path.pop(0)


def by_spec():
    spec = importlib.util.spec_from_file_location("spec_evil", "/box/evil.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.told


attempt("sys.path", by_path)
attempt("zipimport", by_zip)
attempt("spec_from_file_location", by_spec)
attempt("runpy", lambda: runpy.run_path("/box/evil.py")["told"])
attempt("exec", lambda: exec(compile(open("/box/evil.py").read(), "evil", "exec"), scope := {}) or scope["told"])

# Shadowing a library that the runner itself uses, as late as can be.
sys.path.insert(0, "/box")
sys.modules.pop("json", None)
import json
print("json is now", getattr(json, "evil", False))
result = {"still": "a result"}
