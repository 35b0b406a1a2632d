class Evil(dict):
    def items(self):
        open("/etc/passwd")
        return []

    def __iter__(self):
        raise SystemExit(0)

    __repr__ = __str__ = lambda self: open("{{root}}/canary.txt").read()


class Text(str):
    def __str__(self):
        return open("/etc/passwd").read()

    def encode(self, *_):
        return b'"forged"'


result = {"evil": Evil(a=1), "text": Text("plain"), "loop": [], "set": {1}, "nan": float("nan")}
result["loop"].append(result)
