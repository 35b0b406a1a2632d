import ast


def attempt(name, act):
    try:
        act()
        print(name, "worked")
    except (RecursionError, MemoryError, ValueError, SyntaxError) as error:
        print(name, type(error).__name__)


attempt("literal", lambda: ast.literal_eval("(" * 1000 + ")" * 1000))
attempt("signs", lambda: eval("-" * 100_000 + "1"))
attempt("sum", lambda: eval("+".join(["1"] * 100_000)))
attempt("attributes", lambda: compile("a" + ".b" * 100_000, "x", "eval"))
attempt("blocks", lambda: compile("".join(" " * n + "if 1:\n" for n in range(200)) + " " * 200 + "pass", "x", "exec"))
result = "still here"
