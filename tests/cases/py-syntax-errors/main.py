import ast
import traceback

TEXTS = ["x = ", "return 1", "def f(:", "a = 1\n  b = 2", "nonlocal x", "print 'x'"]
for text in TEXTS:
    for attempt in (ast.parse, exec, lambda it: compile(it, "/etc/passwd", "exec"), lambda it: compile(it, "<string>", "single")):
        try:
            attempt(text)
        except SyntaxError as error:
            print(type(error).__name__, error.filename, error.lineno, error.msg)
try:
    exec("total = 1 +")
except SyntaxError:
    print(traceback.format_exc(limit=0))
compile("return 0", "other.py", "exec")
