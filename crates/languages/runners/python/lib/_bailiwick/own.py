"""The runner's own copy of the builtins.

A module that starts with `from _bailiwick.own import BUILTINS as __builtins__` goes on working when a script replaces
`isinstance` or `len`: the interpreter looks there when it makes the module's functions.
"""

import builtins

BUILTINS = dict(vars(builtins))

_OWN = ("/0/", "/world/", "/bundled/")


def is_own(filename: str) -> bool:
    """Whether code of this file is the runner's or the component tools', and of no interest in a traceback.

    The build sees the runner's folder as `/0`, those of the tools as `/world` and `/bundled`.
    """
    return filename.startswith(_OWN)
