def attempt(name, act):
    try:
        act()
        print(name, "worked")
    except (MemoryError, OverflowError) as error:
        print(name, type(error).__name__)


attempt("list", lambda: [0] * 10**10)
attempt("larger list", lambda: [0] * 10**8)
attempt("text", lambda: "a" * 10**9)
attempt("bytes", lambda: bytearray(2**31))
attempt("range", lambda: list(range(10**8)))
attempt("nothing", lambda: [0] * -1)
attempt("repeated join", lambda: ",".join(["x" * 1000] * 10**6))
attempt("format", lambda: f"{1:>{10**9}}")
attempt("dictionary", lambda: dict.fromkeys(range(10**7)))
attempt("set", lambda: set(range(10**7)))
attempt("shift", lambda: 1 << 10**10)
attempt("encode", lambda: ("\N{SNOWMAN}" * 10**7).encode("utf-16"))
attempt("read", lambda: memoryview(bytes(10**8)))
attempt("again", lambda: [0] * 10**5)
result = "goes on"
