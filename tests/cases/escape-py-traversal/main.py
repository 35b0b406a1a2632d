import os
import urllib.parse

PATHS = [
    "/box/../canary.txt", "/box/../../canary.txt", "/box/./../canary.txt", "/box/x/../../canary.txt", "box/../canary.txt",
    "//box//..//canary.txt", "/box/..\\canary.txt", "/box\\..\\canary.txt", "/box/%2e%2e/canary.txt", "/box/..%2fcanary.txt",
    "/box/seed.txt\0/../../canary.txt", "/box/\u2025/canary.txt", "/box/\uff0e\uff0e/canary.txt", "/box/.\u200b./canary.txt", "/box/..;/canary.txt",
    "/box/seed.txt/../../canary.txt", "/box/.../canary.txt", "/box/~/../canary.txt", "~/canary.txt", "file:///etc/passwd",
    "/box/" + "../" * 40 + "etc/passwd", "/box/" + "a/" * 200 + "x", "/box/" + "a" * 300, "", ".", "..", "/..", "/box/ ", "/BOX/seed.txt",
]

for path in PATHS:
    try:
        with open(path) as file:
            told = repr(file.read())
    except (OSError, ValueError) as error:
        told = getattr(error, "code", None) or type(error).__name__
    print(ascii(path if len(path) < 60 else path[:20] + "…"), "->", told)

for act in (lambda: os.chdir("/etc"), lambda: os.chdir(".."), lambda: os.open("../canary.txt", os.O_RDONLY, dir_fd=3)):
    try:
        print(act())
    except (OSError, NotImplementedError) as error:
        print(getattr(error, "code", None) or type(error).__name__)
try:
    print("after chdir", open(os.path.join(os.getcwd(), "passwd")).read())
except OSError as error:
    print(getattr(error, "code", None) or type(error).__name__)
