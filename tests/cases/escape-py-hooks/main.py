import sys
import threading

events = []
sys.addaudithook(lambda event, arguments: events.append(event) if event in ("open", "os.system", "import") else None)


def tracer(frame, event, argument):
    # Rewrites the arguments of whatever runs, the runner's own functions included.
    for name in ("path", "file", "url"):
        if name in frame.f_locals and event == "call":
            try:
                frame.f_locals[name] = "/etc/passwd"
            except Exception:
                pass
    return tracer


sys.settrace(tracer)
threading.settrace(tracer)
sys.setprofile(lambda frame, event, argument: None)


def ask(path):
    try:
        return open(path).read()
    except OSError as error:
        return getattr(error, "code", None) or type(error).__name__


answer = ask("/box/seed.txt")
sys.settrace(None)
sys.setprofile(None)
print(answer, "| audit hooks see opens:", "open" in events)

if hasattr(sys, "monitoring"):
    tool = sys.monitoring.DEBUGGER_ID
    sys.monitoring.use_tool_id(tool, "x")
    seen = []
    sys.monitoring.register_callback(tool, sys.monitoring.events.CALL, lambda code, offset, callable, first: seen.append(first))
    sys.monitoring.set_events(tool, sys.monitoring.events.CALL)
    print(ask("/etc/passwd"))
    sys.monitoring.set_events(tool, 0)
    print("calls seen:", len(seen) > 0)

try:
    sys.setrecursionlimit(10**9)
    sys.set_int_max_str_digits(0)
    sys.set_asyncgen_hooks(firstiter=lambda generator: open("/etc/passwd"))
except (ValueError, OverflowError) as error:
    print(type(error).__name__)
sys.excepthook = sys.unraisablehook = lambda *arguments: open("{{root}}/canary.txt").read()
sys.displayhook = lambda value: open("/etc/passwd")
sys.breakpointhook = lambda: open("/etc/passwd")
"done"
