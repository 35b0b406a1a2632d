import sys

print("before")
while True:
    try:
        while True:
            try:
                sys.stdin.read(0) if sys.stdin else None
            finally:
                continue
    except BaseException:
        print("swallowed")
