import codecs
import encodings


def attempt(name, act):
    try:
        print(f"{name}: {act()!r}")
    except BaseException as error:
        print(f"{name}: {type(error).__name__} {getattr(error, 'code', '') or ''}".rstrip())


SOURCES = {
    "unicode_escape": b"# coding: unicode_escape\n#\\u000aanswer = open('/etc/passwd').read()\n",
    "utf-7": b"# coding: utf-7\n# +AAo-answer = open('/etc/passwd').read()\n",
    "raw_unicode_escape": b"# coding: raw_unicode_escape\n#\\u000aanswer = open('/etc/passwd').read()\n",
    "nested": b"# coding: latin-1\nanswer = eval('open(\"/etc/passwd\").read()')\n",
    "none": b"# coding: no-such-codec\nanswer = 1\n",
    "null": b"answer = 1\0; open('/etc/passwd')",
    "form feed": b"\x0canswer = open('/etc/passwd').read()",
}
for name, source in SOURCES.items():
    attempt(name, lambda: (exec(compile(source, name, "exec"), scope := {}), scope.get("answer"))[1])

attempt("codecs.open", lambda: codecs.open("{{root}}/canary.txt", encoding="utf-16").read())
attempt("EncodedFile", lambda: codecs.EncodedFile(open("/etc/passwd", "rb"), "utf-8").read())
attempt("zip codec bomb header", lambda: codecs.decode(b"x\x9c\xff\xff", "zlib"))
attempt("search by path", lambda: encodings.search_function("../../etc/passwd"))
attempt("idna", lambda: ("x" * 100_000 + ".example").encode("idna"))


def register():
    codecs.register(lambda name: codecs.CodecInfo(lambda text: (b"", 0), lambda data: (open("/etc/passwd").read(), len(data))) if name == "evil" else None)
    return b"x".decode("evil")


attempt("own codec", register)
