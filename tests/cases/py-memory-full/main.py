import errno
import os
import pathlib

BLOCK = b"x" * 65_536
pathlib.Path("/tmp/spare").write_bytes(BLOCK * 64)


def full(what, act):
    try:
        act()
        print(f"{what}: no error")
    except OSError as error:
        print(f"{what}: {type(error).__name__} {errno.errorcode[error.errno]} {getattr(error, 'code', None)}")


def flood(file):
    while True:
        file.write(BLOCK)


for mode, buffering in (("wb", 0), ("ab", 0), ("wb", -1), ("ab", -1), ("w+b", -1)):
    file = open("/tmp/flood", mode, buffering)
    full(f"{mode} {buffering}", lambda: flood(file))
    full("once more", lambda: flood(file))
    if buffering:
        full("close", file.close)
    else:
        pathlib.Path("/tmp/spare").write_bytes(b"")
        before = os.stat("/tmp/flood").st_size
        print("again:", file.write(BLOCK), os.stat("/tmp/flood").st_size - before, file.tell() - before)
        file.close()
        with open("/tmp/flood", "rb") as written:
            written.seek(before - len(BLOCK))
            print(written.read() == BLOCK * 2)
    os.remove("/tmp/flood")
    pathlib.Path("/tmp/spare").write_bytes(BLOCK * 64)

with open("/tmp/text", "w", encoding="utf-16") as file:
    file.write("ü")
    full("truncate", lambda: file.truncate(1 << 29))
    full("ftruncate", lambda: os.ftruncate(file.fileno(), 1 << 29))
    full("pwrite", lambda: os.pwrite(file.fileno(), b"x", 1 << 29))
full("os.truncate", lambda: os.truncate("/tmp/text", 1 << 29))
print(pathlib.Path("/tmp/text").read_text("utf-16"))


def flood_descriptor(flags):
    descriptor = os.open("/tmp/flood", flags | os.O_CREAT)
    try:
        while True:
            os.write(descriptor, BLOCK)
    finally:
        os.close(descriptor)


full("os.write", lambda: flood_descriptor(os.O_WRONLY))
full("os.write at the end", lambda: flood_descriptor(os.O_WRONLY | os.O_APPEND))
os.remove("/tmp/flood")

held = []


def hold():
    while True:
        held.append(open("/tmp/text"))


full("open files", hold)
held.clear()
with open("/tmp/last", "w") as file:
    print("written", file=file)
print(pathlib.Path("/tmp/last").read_text(), end="")
