"""Runs pip as `python3 wheels.py install …`, which may start no process.

A process is how pip runs what a package brings: to build it, or to fetch it with git. `--only-binary` forbids that for packages of
an index only. A wheel can require another package at an address of its own, and pip would build that one.
"""

import runpy
import sys

STARTS = {"subprocess.Popen", "os.system", "os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.spawn", "pty.spawn"}


def refuse(event: str, _arguments: tuple) -> None:
    if event in STARTS:
        # pip itself asks some programs for their versions, and goes on when that is an `OSError`.
        raise PermissionError("packages are not built here")


sys.addaudithook(refuse)
sys.argv[0] = "pip"
runpy.run_module("pip", run_name="__main__", alter_sys=True)
