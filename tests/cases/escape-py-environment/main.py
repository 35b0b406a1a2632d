import os
import sys
import time
import uuid


def attempt(name, act):
    try:
        print(f"{name}: {act()!r}")
    except BaseException as error:
        print(f"{name}: {type(error).__name__} {getattr(error, 'code', '') or ''}".rstrip())


print("variables of the host:", sorted(name for name in os.environ if name in ("PATH", "HOME", "USER", "DEPLOY_TOKEN", "HOSTNAME", "PWD", "LANG")))
print("variables:", sorted(name for name in os.environ if not name.startswith("PYTHON")))
attempt("getenv", lambda: os.getenv("DEPLOY_TOKEN"))
attempt("bytes", lambda: getattr(os, "environb", {}).get(b"DEPLOY_TOKEN"))
attempt("posix", lambda: [name for name in __import__("posix").environ if b"TOKEN" in (name if isinstance(name, bytes) else name.encode())])
attempt("expandvars", lambda: os.path.expandvars("$DEPLOY_TOKEN"))
attempt("expanduser", lambda: os.path.expanduser("~root"))
attempt("arguments", lambda: sys.argv[1:])
attempt("orig_argv", lambda: [word for word in sys.orig_argv if "policy" in word or "state" in word])
attempt("hostname", lambda: os.uname().nodename in ("", "(none)", "localhost", "bailiwick"))
attempt("zone", lambda: time.tzname)
attempt("node is not a card's address", lambda: (uuid.getnode() >> 40) & 1)
attempt("stdin", lambda: sys.stdin and sys.stdin.read())
attempt("terminal", lambda: os.get_terminal_size())
os.environ["DEPLOY_TOKEN"] = "the guest's own"
print(os.environ["DEPLOY_TOKEN"])
