import code
import io
import pydoc
import sys


def attempt(name, act):
    try:
        print(f"{name}: {act()!r}")
    except BaseException as error:
        print(f"{name}: {type(error).__name__} {getattr(error, 'code', '') or ''}".rstrip())


def quiet(act):
    kept, sys.stdout = sys.stdout, io.StringIO()
    try:
        return act()
    finally:
        sys.stdout = kept


attempt("stdin is empty", lambda: sys.stdin.read() if sys.stdin else "")
attempt("console", lambda: quiet(lambda: code.InteractiveConsole().push("open('/etc/passwd')")))
attempt("interact", lambda: quiet(lambda: code.interact(banner="", exitmsg="", readfunc=lambda _: (_ for _ in ()).throw(EOFError))))
attempt("pager", lambda: quiet(lambda: pydoc.pipepager("text", "cat /etc/passwd; id")))
attempt("help", lambda: quiet(lambda: help("modules passwd")))
