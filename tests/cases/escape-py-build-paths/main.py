import gc
import sys
import sysconfig
import types

SUSPICIOUS = ("/home/", "/Users/", "/root/", "/work/", "/build/", "/tmp/", "/github/", "/private/", "site-packages")


def leaks(text):
    return isinstance(text, str) and any(word in text for word in SUSPICIOUS)


found = set()
for name, module in list(sys.modules.items()):
    for attribute in ("__file__", "__cached__", "__path__"):
        value = getattr(module, attribute, None)
        for text in value if isinstance(value, (list, tuple)) else [value]:
            if leaks(text):
                found.add(f"{name}.{attribute}")
for function in gc.get_objects():
    if isinstance(function, types.FunctionType) and leaks(function.__code__.co_filename):
        found.add(f"{function.__module__}.{function.__qualname__}")
print("modules and functions:", sorted(found)[:5], len(found))

values = {name: getattr(sys, name, None) for name in dir(sys) if isinstance(getattr(sys, name, None), (str, list))}
flat = [(name, text) for name, value in values.items() for text in (value if isinstance(value, list) else [value])]
print("sys:", sorted({name for name, text in flat if leaks(text)}))
print("sysconfig:", sorted(name for name, value in sysconfig.get_config_vars().items() if leaks(value) and "/usr/local" not in str(value))[:5])
try:
    raise ValueError("for its traceback")
except ValueError as error:
    import traceback
    print("traceback:", leaks("".join(traceback.format_exception(error))))
strings = [text for text in gc.get_objects() if leaks(text)]
print("strings:", len(strings))
