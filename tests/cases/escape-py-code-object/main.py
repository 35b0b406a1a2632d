import opcode
import types


def victim():
    inside = "value"
    return inside


def rebuilt(code, **changes):
    return types.FunctionType(code.replace(**changes), globals())


print("before")
load_const = opcode.opmap["LOAD_CONST"]
for index in (0, 1):
    raw = bytearray(victim.__code__.co_code)
    for at in range(0, len(raw), 2):
        if raw[at] == load_const:
            raw[at + 1] = index
    try:
        print("constant", index, rebuilt(victim.__code__, co_code=bytes(raw))() is not None)
    except BaseException as error:
        print("constant", index, type(error).__name__)

# A local far beyond the frame: in a native interpreter this reads foreign memory.
load_fast = opcode.opmap["LOAD_FAST"]
wild = bytes([opcode.opmap["RESUME"], 0, load_fast, 250, opcode.opmap["RETURN_VALUE"], 0])
print("now the wild one", flush=True)
try:
    value = rebuilt(victim.__code__, co_code=wild, co_exceptiontable=b"")()
    kind = type(value).__name__
except BaseException as error:
    kind = type(error).__name__
result = "survived"
