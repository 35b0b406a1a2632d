import builtins
import copy
import copyreg
import io
import os
import pickle
import pickletools


class Gadget:
    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


def attempt(name, act):
    try:
        print(f"{name}: {act()!r}")
    except BaseException as error:
        print(f"{name}: {type(error).__name__} {getattr(error, 'code', '') or ''}".rstrip())


for name, gadget in {
    "open": Gadget(open, "/etc/passwd"),
    "eval": Gadget(eval, "open('{{root}}/canary.txt').read()"),
    "exec": Gadget(exec, "import os; os.listdir('/etc')"),
    "getattr": Gadget(getattr, os, "environ"),
    "remove": Gadget(os.remove, "{{root}}/canary.txt"),
}.items():
    attempt(name, lambda: dict(pickle.loads(pickle.dumps(gadget))) if name == "getattr" else pickle.loads(pickle.dumps(gadget)))

# Written by hand, without the class: protocol 0.
attempt("protocol 0", lambda: pickle.loads(b"cbuiltins\nopen\n(S'/etc/passwd'\ntR."))
attempt("posix", lambda: pickle.loads(b"cposix\nsystem\n(S'id'\ntR."))
attempt("stack global", lambda: pickle.loads(b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x02id\x85R."))
attempt("inst", lambda: pickle.loads(b"(S'/etc/passwd'\niio\nopen\n."))
attempt("persistent", lambda: pickle.Unpickler(io.BytesIO(b"Pid\n.")).load())
attempt("extension", lambda: pickle.loads(b"\x80\x02\x82\x01."))
attempt("long", lambda: pickle.loads(b"\x80\x04\x8a\xff" + b"\xff" * 10))
attempt("frame", lambda: pickle.loads(b"\x80\x04\x95\xff\xff\xff\xff\xff\xff\xff\x7f."))
attempt("deep copy", lambda: copy.deepcopy(Gadget(open, "/etc/passwd")))
copyreg.pickle(complex, lambda number: (builtins.open, ("/etc/passwd",)))
attempt("copyreg", lambda: pickle.loads(pickle.dumps(1j)))
attempt("dis", lambda: pickletools.dis(b"cos\nsystem\n.", out=io.StringIO()))
