"""Builds the Python interpreter as a component.

    python3 build.py --wit DIR --out FILE [--packages DIR]

Needs what requirements.lock names, and no network. `--packages` is a folder with installed pure-Python packages: their
top-level modules are imported in the snapshot, and all of their modules can be imported.
"""

import argparse
import importlib.util
import os
import pathlib
import shutil
import struct
import subprocess
import sys
import tempfile

import immortal

OBJECTS = "objects"
HERE = pathlib.Path(__file__).resolve().parent
BUILDER = "import sys; from componentize_py import script; sys.exit(script())"


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--wit", type=pathlib.Path, required=True, help="folder with the WIT package bailiwick:host")
    arguments.add_argument("--out", type=pathlib.Path, required=True, help="the component to write")
    arguments.add_argument("--packages", type=pathlib.Path, help="folder with installed pure-Python packages")
    options = arguments.parse_args()

    missing = [name for name in ("componentize_py", "tzdata") if importlib.util.find_spec(name) is None]
    if missing:
        return fail(f"not installed: {', '.join(missing)}; run `pip install --require-hashes -r requirements.lock`")
    for folder in (options.wit, options.packages):
        if folder is not None and not folder.is_dir():
            return fail(f"no such folder: {folder}")

    with tempfile.TemporaryDirectory(prefix="python-runner-") as name:
        return build(options, pathlib.Path(name))


def build(options: argparse.Namespace, work: pathlib.Path) -> int:
    """Puts the parts together in `work`, and builds."""
    step(1, "gathering the runner and the time zones")
    app, zones, nothing = work / "app", work / "zones", work / "nothing"
    shutil.copytree(HERE / "lib", app, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(HERE / "app.py", app)
    (app / "_bailiwick" / "parts.py").write_text(
        '"""Where the build tool shows what goes into the snapshot."""\n\n'
        f'OBJECTS = "/0/{OBJECTS}"\nZONES = "/1"\nPACKAGES = {"/2" if options.packages else None!r}\n'
    )
    tzdata = pathlib.Path(importlib.util.find_spec("tzdata").origin).parent
    shutil.copytree(tzdata, zones / "tzdata", ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    # The tool would add the site-packages of whatever Python runs it; an empty environment keeps them out.
    (nothing / "lib" / "site-packages").mkdir(parents=True)

    step(2, "running the interpreter up to its snapshot")
    paths = [app, zones, *([options.packages.resolve()] if options.packages else [])]
    raw = work / "raw.wasm"
    command = [sys.executable, "-I", "-c", BUILDER, "-q", "-d", str(options.wit.resolve()), "-w", "interpreter", "componentize",
               *(f"-p{path}" for path in paths), "-o", str(raw), "app"]
    environment = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "TMPDIR", "LANG")}
    environment["VIRTUAL_ENV"] = str(nothing)
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
    if done.returncode != 0 or not raw.is_file():
        return fail("the interpreter did not reach its snapshot:\n" + tidy(done.stdout))
    step(3, "making what is in the snapshot immortal")
    component = bytearray(raw.read_bytes())
    try:
        count = immortal.make(component, (app / OBJECTS).read_bytes())
    except (immortal.Unexpected, IndexError, OSError, struct.error) as error:
        return fail(f"the component is not built as expected: {error}")
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_bytes(component)
    print(f"{options.out}: {len(component) / 1e6:.1f} MB, {count:,} immortal objects", flush=True)
    return 0


def step(number: int, what: str) -> None:
    print(f"step {number}/3 {what}", flush=True)


def tidy(text: str) -> str:
    """The tool's output without its own stack."""
    return text.partition("\nStack backtrace:")[0].strip()[-4000:]


def fail(text: str) -> int:
    print(f"error: {text}", file=sys.stderr, flush=True)
    return 1


if __name__ == "__main__":
    sys.exit(main())
