import site
import sys
from pathlib import Path

PLANT = "open('/box/ran', 'w').write('ran')\n"
for name in ("sitecustomize.py", "usercustomize.py", "evil.pth", "python.pth", "pyvenv.cfg", ".pdbrc", ".pythonrc.py", "__main__.py"):
    Path("/box", name).write_text(f"import os; {PLANT}" if name.endswith(".pth") else PLANT)
for name in ("/sitecustomize.py", "/usr/lib/python3/sitecustomize.py", "/python/json.py", "/bundled/json.py"):
    try:
        Path(name).write_text(PLANT)
        print(name, "written")
    except OSError as error:
        print(name, getattr(error, "code", None) or type(error).__name__)

# The script may do to itself whatever it likes.
try:
    site.addsitedir("/box")
    print("a .pth file ran, as the script:", Path("/box/ran").exists())
except Exception as error:
    print(type(error).__name__, getattr(error, "code", ""))

# What the interpreter itself is made of cannot be written to.
places = {getattr(module, "__file__", None) for module in list(sys.modules.values())} - {None}
written = []
for place in sorted(places)[:20]:
    try:
        Path(place).write_text("raise SystemExit")
        written.append(place)
    except (OSError, ValueError):
        pass
print("written:", written)
