import atexit
import sys
import threading


def late(who):
    told = []
    for act in (lambda: open("/etc/passwd").read(), lambda: open("{{root}}/canary.txt").read(), lambda: open("/planted.txt", "w").write("mine")):
        try:
            told.append(act())
        except OSError as error:
            told.append(getattr(error, "code", None))
    print(who, told, flush=True)


atexit.register(late, "atexit")
getattr(threading, "_register_atexit", lambda *_: None)(late, "threading")
sys.exitfunc = lambda: late("exitfunc")
sys.flags  # read only
late("now")
result = "done"
