import builtins
import errno


class Yes(type):
    def __instancecheck__(cls, other):
        return True

    def __subclasscheck__(cls, other):
        return True

    def __eq__(cls, other):
        return True

    __hash__ = type.__hash__


class Quiet(Exception, metaclass=Yes):
    code = "allow"


real_open, real_error = open, PermissionError
builtins.PermissionError = builtins.OSError = builtins.FileNotFoundError = Quiet
errno.EACCES = errno.EPERM = 0

for path in ("/etc/passwd", "{{root}}/canary.txt"):
    try:
        print(real_open(path).read())
    except real_error as error:
        print("still refused:", type(error) is real_error)
    except BaseException as error:
        print("refused as", type(error).__name__)

try:
    real_error.code = property(lambda self: "allow")
except TypeError as error:
    print(type(error).__name__)
try:
    raise real_error("a denial that nobody made")
except real_error as error:
    print(getattr(error, "code", None))
result = "done"
