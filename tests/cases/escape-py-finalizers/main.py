import gc
import sys
import weakref

real_open = open


def ask(who):
    for path, mode in (("/etc/passwd", "r"), ("{{root}}/canary.txt", "r"), ("/planted.txt", "w")):
        try:
            print(who, real_open(path, mode).read())
        except OSError as error:
            print(who, getattr(error, "code", None))


class Grave:
    def __init__(self, name):
        self.name = name

    def __del__(self):
        ask(self.name)


one, two = Grave("deleted"), Grave("weakly referenced")
cycle = [Grave("in a cycle")]
cycle.append(cycle)
reference = weakref.ref(two, lambda _: ask("callback"))
weakref.finalize(two, ask, "finalize").atexit = True
del one, cycle
gc.collect()
del two

# Left for the end of the interpreter.
sys.last_grave = Grave("at the end")
gc.callbacks.append(lambda phase, info: ask("collector") if phase == "start" and info["generation"] > 5 else None)
result = "done"
