import sys


def deep(n):
    return 1 + deep(n + 1)


class Chain:
    def __getattr__(self, name):
        return getattr(self, name + "x")

    __str__ = __repr__ = lambda self: f"{self}"
    __eq__ = lambda self, other: other == self
    __add__ = lambda self, other: other + self
    __iter__ = lambda self: iter(self.__iter__())


def attempt(name, act):
    try:
        act()
        print(name, "worked")
    except RecursionError:
        print(name, "RecursionError")


for limit in (1000, 5000):
    sys.setrecursionlimit(limit)
    attempt(f"function at {limit}", lambda: deep(0))
sys.setrecursionlimit(1000)
attempt("attribute", lambda: Chain().x)
attempt("text", lambda: str(Chain()))
attempt("compare", lambda: Chain() == Chain())
attempt("add", lambda: Chain() + Chain())
result = "still here"
