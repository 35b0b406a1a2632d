import os
from pathlib import Path

PATHS = """/proc/self/mem /proc/self/environ /proc/self/maps /proc/self/cmdline /proc/self/cwd/canary.txt /proc/self/root/etc/passwd
/proc/self/fd/0 /proc/self/fd/3 /proc/1/environ /proc/version /proc/mounts /proc/net/tcp /proc/kcore /proc/sysrq-trigger
/sys/class/net /sys/kernel/security /dev/mem /dev/tty /dev/null /dev/urandom /dev/shm /run/secrets /var/run/docker.sock
/dev/fd/0 /dev/stdin //proc/self/environ /./proc/self/environ""".split()

for path in PATHS:
    told = []
    for name, act in [
        ("read", lambda: Path(path).read_bytes()),
        ("write", lambda: Path(path).write_bytes(b"c")),
        ("list", lambda: os.listdir(path)),
        ("stat", lambda: os.stat(path)),
        ("link", lambda: os.readlink(path)),
    ]:
        try:
            told.append(f"{name} {act()!r}")
        except OSError as error:
            told.append(getattr(error, "code", None) or type(error).__name__)
    print(path, *dict.fromkeys(told))
