import sys
import types

modules = {name: module for name, module in list(sys.modules.items()) if isinstance(module, types.ModuleType)}
bindings = {name: module for name, module in modules.items() if name.split(".")[0] in ("wit_world", "componentize_py_types", "componentize_py_runtime", "poll_loop")}
print("bindings are importable:", bool(bindings))

HOSTILE = [
    ("/etc/passwd",), ("{{root}}/canary.txt",), ("/box/../canary.txt",), ("/etc/passwd", 0, 4096), ("/box/../canary.txt", 0, 4096),
    ("/planted.txt", b"mine", 0), ("other/key", b"message"), ("other/key", b"message", b"signature"), ("/box/seed.txt", "/planted.txt"),
    (0, "select * from users", []), ("admin", "tool", "{}"), ("other", "key"),
]
SPARE = {"set_result", "exit", "sleep", "print", "arguments", "input", "abilities"}
told, calls = {}, 0
for name, module in sorted(bindings.items()):
    for word, function in sorted(vars(module).items()):
        if not isinstance(function, (types.FunctionType, types.BuiltinFunctionType)) or word.startswith("_") or word in SPARE:
            continue
        if word in ("call_import", "future_new", "stream_new") or "componentize" in name:
            continue
        for arguments in HOSTILE:
            try:
                value = function(*arguments)
                if isinstance(value, (bytes, str, list)) and value and word not in ("list",):
                    told.setdefault("values", set()).add(f"{name}.{word}")
            except BaseException as error:
                code = getattr(getattr(error, "value", error), "value", None)
                if isinstance(code, str):
                    calls += 1
                    told.setdefault(code, set()).add(word)
print("calls that were answered with a code:", calls > 0)
for code, words in sorted(told.items()):
    if code.startswith("deny.") or code == "values":
        print(code, *sorted(words))
