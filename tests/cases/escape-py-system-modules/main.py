import importlib

CALLS = {
    "mmap": lambda m: m.mmap(-1, 4096),
    "resource": lambda m: m.setrlimit(m.RLIMIT_AS, (-1, -1)),
    "fcntl": lambda m: m.fcntl(0, 1),
    "termios": lambda m: m.tcgetattr(0),
    "tty": lambda m: m.setraw(0),
    "pwd": lambda m: m.getpwall(),
    "grp": lambda m: m.getgrall(),
    "spwd": lambda m: m.getspall(),
    "crypt": lambda m: m.crypt("x"),
    "syslog": lambda m: m.syslog("x"),
    "curses": lambda m: m.initscr(),
    "readline": lambda m: m.read_history_file("/etc/passwd"),
    "tkinter": lambda m: m.Tk(),
    "nis": lambda m: m.cat("x"),
    "ossaudiodev": lambda m: m.open("r"),
    "msvcrt": lambda m: m.getch(),
    "winreg": lambda m: m.HKEY_LOCAL_MACHINE,
    "_winapi": lambda m: m.GetCurrentProcess(),
    "dbm": lambda m: m.open("{{root}}/planted", "c"),
    "shelve": lambda m: m.open("{{root}}/planted"),
    "mailbox": lambda m: list(m.mbox("/etc/passwd")),
    "getpass": lambda m: m.getuser(),
    "platform": lambda m: (m.node(), m.release()),
    "locale": lambda m: m.setlocale(m.LC_ALL, "") in ("C", "C.UTF-8", "en_US.UTF-8"),
}

for name, call in CALLS.items():
    try:
        module = importlib.import_module(name)
    except ImportError:
        print(name, "is not there")
        continue
    try:
        print(name, call(module))
    except BaseException as error:
        print(name, type(error).__name__, getattr(error, "code", None) or "")
