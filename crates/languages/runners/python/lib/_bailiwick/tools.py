"""`tools.<server>.<tool>(…)`: functions made from what this run may call."""

from _bailiwick.own import BUILTINS as __builtins__

import base64
import inspect
import keyword
import types
import typing
from json import JSONDecoder, JSONEncoder

from _bailiwick import errors, host
from _bailiwick.arguments import json, text

_DECODE = JSONDecoder().decode
_ENCODE = JSONEncoder(allow_nan=False).encode
_TYPES = {"string": str, "integer": int, "number": float, "boolean": bool, "null": None, "array": list, "object": dict}
# Most names in the advice that comes with an error.
_LISTED = 20
_abilities = None


def abilities():
    """What this run may call, as the host describes it."""
    global _abilities
    if _abilities is None:
        _abilities = _DECODE(host.script.abilities())
    return _abilities


class Tools:
    """The tools that this run may call, by server. `dir(tools)` lists the servers, `help(tools.server.tool)` explains one.

    Other names can be written, too: such a call is refused by the host, which says why.
    """

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return self[name]

    def __getitem__(self, name):
        name = text(name, "tools: the name of a server")
        server = _servers().get(name)
        return Server(name) if server is None else server

    def __dir__(self):
        return sorted(_servers())

    def __iter__(self):
        return iter(sorted(_servers()))

    def __repr__(self):
        return f"<tools: {', '.join(sorted(_servers())) or 'none'}>"


class Server:
    """The tools of one server that this run may call."""

    def __init__(self, name):
        self._name = name
        self._tools = {}

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return self[name]

    def __getitem__(self, name):
        name = text(name, "tools: the name of a tool")
        tool = self._tools.get(name)
        return _unknown(self._name, name) if tool is None else tool

    def __dir__(self):
        return sorted(self._tools)

    def __iter__(self):
        return iter(sorted(self._tools))

    def __repr__(self):
        return f"<tools of {self._name}: {', '.join(sorted(self._tools))}>"


_known = None


def _servers():
    global _known
    if _known is None:
        _known = {}
        for entry in abilities().get("tools", ()):
            name = entry["server"]
            if name not in _known:
                _known[name] = Server(name)
            _known[name]._tools[entry["tool"]] = _function(entry)
        for server in tuple(_known.values()):
            _respell(server._tools)
        _respell(_known)
    return _known


def _respell(named):
    """Adds the names as identifiers, none of which takes the place of a name."""
    for name, value in tuple(named.items()):
        named.setdefault(_identifier(name), value)


def _unknown(server, tool):
    """A function for a tool that the host did not list. The host decides about the call, as about every other."""

    def function(*values, **arguments):
        if values:
            raise TypeError(f"tools.{server}.{tool}: takes named arguments, as in {function.__name__}(name=value)")
        try:
            return call(server, tool, arguments)
        except Exception as error:
            error.add_note(_advice(server))
            raise

    function.__name__ = _identifier(tool)
    return function


def _advice(server):
    """What may be called instead."""
    entries = abilities().get("tools", ())
    tools = [entry["tool"] for entry in entries if entry["server"] == server]
    names = tools or sorted({entry["server"] for entry in entries})
    listed = ", ".join(names[:_LISTED]) + (", …" if len(names) > _LISTED else "")
    return f"of `{server}` this run may call {listed}" if tools else f"this run may call tools of {listed or 'no server'}"


def _identifier(name):
    text = "".join(c if c.isalnum() else "_" for c in name)
    if not text or text[0].isdigit() or keyword.iskeyword(text):
        text = "_" + text
    return text


def _function(entry):
    """One tool as a function with a signature, annotations and a docstring."""
    server, tool = entry["server"], entry["tool"]
    schema = entry.get("schema") or {}
    properties, required = schema.get("properties"), schema.get("required")
    properties = properties if isinstance(properties, dict) else {}
    required = {name for name in required if isinstance(name, str)} if isinstance(required, list) else set()
    order = sorted(properties, key=lambda name: name not in required)
    named = {_identifier(name): name for name in order}

    def function(*values, **arguments):
        if len(values) > len(order):
            raise TypeError(f"{function.__name__}() takes {len(order)} arguments but {len(values)} were given")
        filled = dict(zip(order, values))
        for key, value in arguments.items():
            name = named.get(key, key)
            if name in filled:
                raise TypeError(f"{function.__name__}() got multiple values for argument {key!r}")
            filled[name] = value
        missing = [key for key, name in named.items() if name in required and name not in filled]
        if missing:
            raise TypeError(f"{function.__name__}() misses {', '.join(missing)}")
        return call(server, tool, filled)

    parameters = [
        inspect.Parameter(
            key,
            inspect.Parameter.POSITIONAL_OR_KEYWORD,
            default=inspect.Parameter.empty if name in required else properties[name].get("default") if isinstance(properties[name], dict) else None,
            annotation=_annotation(properties[name]),
        )
        for key, name in named.items()
    ]
    function.__name__ = _identifier(tool)
    function.__qualname__ = f"tools.{_identifier(server)}.{function.__name__}"
    function.__module__ = "tools"
    function.__signature__ = inspect.Signature(parameters)
    function.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    function.__doc__ = _documentation(entry.get("description"), named, properties, required)
    return function


def _annotation(schema):
    if not isinstance(schema, dict):
        return typing.Any
    if isinstance(schema.get("enum"), list) and schema["enum"]:
        try:
            return typing.Literal[tuple(schema["enum"])]
        except TypeError:
            return typing.Any
    kind = schema.get("type")
    if isinstance(kind, list):
        options = [_TYPES.get(one, typing.Any) for one in kind if isinstance(one, str)]
        return typing.Union[tuple(options)] if options else typing.Any
    if kind == "array" and isinstance(schema.get("items"), dict):
        return list[_annotation(schema["items"])]
    return _TYPES.get(kind, typing.Any) if isinstance(kind, str) else typing.Any


def _documentation(description, named, properties, required):
    lines = [str(description or "").strip()]
    if named:
        lines.append("")
    for key, name in named.items():
        schema = properties[name] if isinstance(properties[name], dict) else {}
        text = f"{key}: {schema.get('description', '')}".rstrip(": ")
        lines.append(text if name in required else f"{text} (optional)")
    return "\n".join(lines).strip()


def call(server, tool, arguments):
    """Calls a tool. Its value is the structured result when there is one, else its text, else its blocks.

    A tool that answers with an error raises `bailiwick.ToolError` with what it said.
    """
    where = f"tools.{server}.{tool}"
    values = json(_ENCODE, arguments, f"{where}: the arguments")
    reply = _DECODE(host.call(f"tool call {server}/{tool}", host.tools.call, server, tool, values))
    blocks = reply.get("content") or []
    texts = [block.get("text", "") for block in blocks if block.get("type") == "text"]
    if reply.get("is_error"):
        raise errors.ToolError(f"{server}/{tool}: {' '.join(texts) or 'the tool failed'}")
    if reply.get("structured") is not None:
        return reply["structured"]
    if len(texts) == len(blocks):
        return "\n".join(texts)
    for block in blocks:
        if block.get("type") in ("image", "audio") and isinstance(block.get("data"), str):
            block["data"] = base64.b64decode(block["data"])
    return blocks
