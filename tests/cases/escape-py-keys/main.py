import bailiwick
from bailiwick import crypto


def attempt(name, act):
    try:
        print(f"{name}: {type(act()).__name__}")
    except BaseException as error:
        print(f"{name}: {type(error).__name__} {getattr(error, 'code', '') or ''}".rstrip())


attempt("our own", lambda: crypto.sign("ours/one", b"x"))
for key in ("theirs/one", "ours/../theirs/one", "ours/*", "*/one", "ours", "ours/one/two", "Ours/one", "ours/one\0", "ours%2fone", "", "/", "-", "ours/" + "k" * 1000):
    attempt(ascii(key)[:30], lambda: crypto.sign(key, b"x"))
attempt("another use", lambda: crypto.encrypt("ours/one", b"x"))
attempt("a use that is not granted", lambda: crypto.derive("ours/one", b"salt", b"info", 32))
for path in ("{{root}}/state/keys/ours/one/1.key", "{{root}}/state/canary.txt", "{{root}}/state/issuer"):
    try:
        print(open(path).read())
    except OSError as error:
        print(error.code)
names = [name for name in dir(bailiwick) if "key" in name.lower() or "secret" in name.lower() or "token" in name.lower()]
print(names)
