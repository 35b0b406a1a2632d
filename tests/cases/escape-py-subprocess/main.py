import asyncio
import importlib


def attempt(name, act):
    try:
        print(f"{name}: {act()!r}")
    except BaseException as error:
        print(f"{name}: {type(error).__name__} {getattr(error, 'code', '')}".rstrip())


def of(module, function):
    return lambda *args, **kwargs: getattr(importlib.import_module(module), function)(*args, **kwargs)


attempt("run", lambda: of("subprocess", "run")(["id"], capture_output=True))
attempt("shell", lambda: of("subprocess", "check_output")("id", shell=True))
attempt("getoutput", lambda: of("subprocess", "getoutput")("id"))
attempt("Popen", lambda: of("subprocess", "Popen")(["/bin/cat", "/etc/passwd"]))
attempt("_posixsubprocess", lambda: of("_posixsubprocess", "fork_exec")([b"/bin/id"], [b"/bin/id"], True, (), None, None, -1, -1, -1, -1, -1, -1, -1, -1, False, False, 0, None, None, None, -1, None, False))
attempt("pty", lambda: of("pty", "spawn")("/bin/sh"))
attempt("commands", lambda: of("os", "popen")("id").read())
attempt("platform", lambda: of("platform", "_syscmd_file")("/bin/sh"))
attempt("uuid of ifconfig", lambda: 0 <= of("uuid", "getnode")() < 1 << 48)
attempt("ctypes.util", lambda: of("ctypes.util", "find_library")("c"))


async def shell():
    process = await asyncio.create_subprocess_shell("id", stdout=-1)
    return await process.communicate()


attempt("asyncio", lambda: asyncio.run(shell()))
attempt("multiprocessing", lambda: of("multiprocessing", "Process")(target=print).start())
attempt("executor", lambda: of("concurrent.futures", "ProcessPoolExecutor")(1).submit(print, 1).result())
attempt("webbrowser", lambda: of("webbrowser", "open")("http://127.0.0.1/"))
attempt("venv", lambda: of("ensurepip", "bootstrap")())
