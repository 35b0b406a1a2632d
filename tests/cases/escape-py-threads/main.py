import importlib


def attempt(name, act):
    try:
        print(f"{name}: {act()!r}")
    except BaseException as error:
        print(f"{name}: {type(error).__name__} {getattr(error, 'code', '') or ''}".rstrip())


def of(module, function):
    return lambda *args, **kwargs: getattr(importlib.import_module(module), function)(*args, **kwargs)


def work():
    print(open("/etc/passwd").read())


attempt("thread", lambda: of("threading", "Thread")(target=work).start())
attempt("_thread", lambda: of("_thread", "start_new_thread")(work, ()))
attempt("timer", lambda: of("threading", "Timer")(0, work).start())
attempt("pool", lambda: of("concurrent.futures", "ThreadPoolExecutor")(1).submit(work).result())
attempt("multiprocessing", lambda: of("multiprocessing", "Pool")(1))
attempt("shared memory", lambda: of("multiprocessing.shared_memory", "SharedMemory")(create=True, size=10))


def interpreters():
    module = importlib.import_module("concurrent.interpreters")
    inner = module.create()
    inner.exec("open('/etc/passwd').read()")


def raw_interpreters():
    module = importlib.import_module("_interpreters")
    return module.exec(module.create(), "open('{{root}}/canary.txt').read()") is None


attempt("interpreters", interpreters)
attempt("_interpreters", raw_interpreters)
attempt("a lock that is never free", lambda: of("threading", "Lock")().acquire(timeout=0.01))
