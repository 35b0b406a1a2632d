import os

NAMES = """system popen fork forkpty vfork execv execve execvp execl spawnv spawnl posix_spawn posix_spawnp startfile
kill killpg setuid setgid seteuid setgroups initgroups chroot nice setpriority sched_setaffinity ptrace unshare setns
wait waitpid pidfd_open memfd_create eventfd pipe2 mkfifo mknod openpty login_tty mount sendfile splice""".split()
ARGUMENTS = {
    "system": ("id",), "popen": ("id",), "execv": ("/bin/sh", ["sh"]), "execve": ("/bin/sh", ["sh"], {}), "execvp": ("sh", ["sh"]),
    "execl": ("/bin/sh", "sh"), "spawnv": (0, "/bin/sh", ["sh"]), "spawnl": (0, "/bin/sh", "sh"), "kill": (1, 9), "killpg": (1, 9),
    "posix_spawn": ("/bin/sh", ["sh"], {}), "setuid": (0,), "chroot": ("/",), "mkfifo": ("/box",), "mknod": ("/box",), "waitpid": (-1, 0),
}

absent = [name for name in NAMES if not hasattr(os, name)]
for name in NAMES:
    if name not in absent:
        try:
            print(name, "gave", getattr(os, name)(*ARGUMENTS.get(name, ())))
        except BaseException as error:
            print(name, type(error).__name__, getattr(error, "code", None) or "")
print(len(NAMES) - len(absent), "of", len(NAMES), "exist")

facts = {}
for name in ("getpid", "getppid", "getuid", "getlogin", "uname", "getloadavg", "cpu_count", "ctermid", "getcwd"):
    try:
        facts[name] = str(getattr(os, name)())
    except (AttributeError, OSError) as error:
        facts[name] = type(error).__name__
for name, fact in facts.items():
    print(name, "->", fact)
