import importlib


def attempt(name, act):
    try:
        print(f"{name}: {act()!r}")
    except BaseException as error:
        print(f"{name}: {type(error).__name__} {getattr(error, 'code', '') or ''}".rstrip())


def of(module, function):
    return lambda *args, **kwargs: getattr(importlib.import_module(module), function)(*args, **kwargs)


attempt("alarm", lambda: of("signal", "alarm")(1))
attempt("setitimer", lambda: of("signal", "setitimer")(0, 0.01))
attempt("pthread_kill", lambda: of("signal", "pthread_kill")(1, 9))
attempt("pidfd", lambda: of("signal", "pidfd_send_signal")(3, 9))
attempt("wakeup", lambda: of("signal", "set_wakeup_fd")(1))
attempt("faulthandler file", lambda: of("faulthandler", "enable")(open("/etc/passwd")))
attempt("faulthandler register", lambda: of("faulthandler", "register")(10))
attempt("dump later", lambda: of("faulthandler", "dump_traceback_later")(0.01, exit=True))
attempt("interrupt", lambda: of("_thread", "interrupt_main")())
try:
    for _ in range(1000):
        pass
except KeyboardInterrupt:
    print("interrupted itself")
print("still here")
