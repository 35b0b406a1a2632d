"""Takes `wasi:sockets` out of a component.

The C library in the interpreter imports it, and no host function of that name exists. What used it gets functions that
trap instead. So that no index in the component changes, each thing taken out leaves something of its sort in its place:
an imported instance leaves an empty one, a resource type `bool`, a function another function. Only core instances move,
by the one that holds the trapping functions.

The format: https://github.com/WebAssembly/component-model/blob/main/design/mvp/Binary.md
"""

import dataclasses

UNWANTED = b"wasi:sockets/"

CORE_MODULE, CORE_INSTANCE, INSTANCE, ALIAS, TYPE, CANON, IMPORT, EXPORT = 1, 2, 5, 6, 7, 8, 10, 11
KEPT = {0, CORE_MODULE, 3, 4, TYPE, EXPORT}
PREAMBLE = b"\0asm\x0d\0\x01\0"
EMPTY_INSTANCE = b"\x01\0"
BOOL = b"\x01\x7f"


class Unexpected(Exception):
    """The component is not built as this module knows it."""


@dataclasses.dataclass
class Section:
    """One section of the component: its kind and its bytes."""

    kind: int
    body: bytes


class Reader:
    """Reads the values of the binary format from bytes."""

    def __init__(self, data: bytes):
        self.data, self.at = data, 0

    def byte(self) -> int:
        self.at += 1
        return self.data[self.at - 1]

    def number(self) -> int:
        value = shift = 0
        while True:
            byte = self.byte()
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    def take(self, length: int) -> bytes:
        self.at += length
        if self.at > len(self.data):
            raise Unexpected("it ends too early")
        return self.data[self.at - length : self.at]

    def name(self) -> bytes:
        return self.take(self.number())

    def done(self) -> bool:
        return self.at >= len(self.data)


def number(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def name(text: bytes) -> bytes:
    return number(len(text)) + text


def vector(items: list[bytes]) -> bytes:
    return number(len(items)) + b"".join(items)


def remove(component: bytes) -> bytes:
    """The component without the imports whose name begins with `UNWANTED`."""
    try:
        return Surgery(sections(component)).result()
    except IndexError as error:
        raise Unexpected("it ends too early") from error


def sections(component: bytes) -> list[Section]:
    """Splits a component."""
    if not component.startswith(PREAMBLE):
        raise Unexpected("it is not a component")
    reader, found = Reader(component), []
    reader.take(len(PREAMBLE))
    while not reader.done():
        kind = reader.byte()
        found.append(Section(kind, reader.take(reader.number())))
    return found


class Surgery:
    """One pass over the sections that copies or replaces each entry."""

    def __init__(self, parts: list[Section]):
        self.parts = parts
        self.out: list[Section] = []
        self.instances = self.types = self.functions = self.core_functions = self.core_instances = self.modules = 0
        self.gone_instances, self.gone_types, self.gone_functions = set(), set(), set()
        self.type_sections: list[tuple[Section, int, int]] = []  # with the first index and the count of its types
        self.stand_in = b""  # an alias of a function that stays
        self.traps: list[int] = []  # core functions that are replaced, by index
        self.trap_module = self.trap_instance = None

    def result(self) -> bytes:
        signatures = Signatures(self.parts)
        for part in self.parts:
            match part.kind:
                case 0 if part.body.startswith(name(b"component-name")):
                    continue  # its indices would be wrong
                case 1:
                    self.modules += 1
                case 2:
                    self.core_instance(part)
                    continue
                case 5:
                    self.instances += Reader(part.body).number()
                case 6:
                    self.alias(part)
                    continue
                case 7:
                    self.type(part)
                    continue
                case 8:
                    self.canon(part)
                    continue
                case 10:
                    self.imports(part)
                    continue
            if part.kind not in KEPT and part.kind != INSTANCE:
                raise Unexpected(f"it has a section of kind {part.kind}")
            self.out.append(part)
        module = Section(CORE_MODULE, trapping([signatures.of(index) for index in self.traps]))
        body = b"".join(bytes([part.kind]) + number(len(part.body)) + part.body for part in self.with_module(module))
        if UNWANTED in b"".join(part.body for part in self.out if part.kind == IMPORT):
            raise Unexpected("an import stayed")
        return PREAMBLE + body

    def with_module(self, module: Section) -> list[Section]:
        """The sections, with the trapping module where its number is."""
        if self.trap_module is None:
            return self.out
        place = max(index for index, part in enumerate(self.out) if part.kind == CORE_MODULE) + 1
        return [*self.out[:place], module, *self.out[place:]]

    def imports(self, part: Section) -> None:
        reader = Reader(part.body)
        for _ in range(reader.number()):
            start = reader.at
            reader.byte()
            what = reader.name()
            sort, index = reader.byte(), reader.number()
            if sort != 5:
                raise Unexpected(f"it imports {what!r}, which is no instance")
            if what.startswith(UNWANTED):
                self.gone_instances.add(self.instances)
                self.forget_type(index)
                self.out.append(Section(INSTANCE, vector([EMPTY_INSTANCE])))
            else:
                self.out.append(Section(IMPORT, vector([part.body[start : reader.at]])))
            self.instances += 1

    def forget_type(self, index: int) -> None:
        """Replaces the type of an import; it stands alone in its section."""
        for part, first, count in self.type_sections:
            if first == index and count == 1:
                part.body = BOOL
                return
        raise Unexpected(f"type {index} shares its section")

    def type(self, part: Section) -> None:
        count = Reader(part.body).number()
        copy = Section(TYPE, part.body)
        self.type_sections.append((copy, self.types, count))
        self.types += count
        self.out.append(copy)

    def alias(self, part: Section) -> None:
        reader = Reader(part.body)
        for _ in range(reader.number()):
            start = reader.at
            sort = reader.byte()
            core = reader.byte() if sort == 0 else None
            target = reader.byte()
            owner = reader.number()
            rest = reader.at
            if target == 2:
                reader.number()
            else:
                reader.name()
            entry = part.body[start : reader.at]
            if target == 1:
                moved = number(self.moved(owner))
                entry = bytes([sort, core, target]) + moved + part.body[rest : reader.at]
            if core == 0:
                self.core_functions += 1
            if core == 0x11:
                self.modules += 1
            if sort == 5:
                self.instances += 1
            gone = target == 0 and owner in self.gone_instances
            if sort == 3:
                if gone:
                    self.gone_types.add(self.types)
                self.types += 1
            elif sort == 1:
                if gone:
                    self.gone_functions.add(self.functions)
                    if not self.stand_in:
                        raise Unexpected("sockets come before all other functions")
                elif target == 0:
                    self.stand_in = entry
                self.functions += 1
            elif gone:
                raise Unexpected(f"it takes a thing of sort {sort} from sockets")
            if not gone:
                self.out.append(Section(ALIAS, vector([entry])))
            elif sort == 3:
                self.out.append(Section(TYPE, BOOL))
            else:
                self.out.append(Section(ALIAS, vector([self.stand_in])))

    def canon(self, part: Section) -> None:
        reader = Reader(part.body)
        for _ in range(reader.number()):
            start = reader.at
            kind = reader.byte()
            gone = False
            if kind in (0, 1):  # lift, lower
                if reader.byte() != 0:
                    raise Unexpected("a canonical function has an unknown form")
                index = reader.number()
                for _ in range(reader.number()):
                    option = reader.byte()
                    if option in (3, 4, 5, 7):
                        reader.number()
                    elif option > 6:
                        raise Unexpected(f"a canonical function has the option {option}")
                if kind == 0:
                    reader.number()
                    self.functions += 1
                else:
                    gone = index in self.gone_functions
            elif kind in (2, 3, 4):  # resource.new, resource.drop, resource.rep
                gone = reader.number() in self.gone_types
            else:
                raise Unexpected(f"a canonical function is of the kind {kind}")
            if gone:
                self.out.append(Section(ALIAS, vector([self.trap()])))
            else:
                self.out.append(Section(CANON, vector([part.body[start : reader.at]])))
            if kind != 0:
                self.core_functions += 1

    def trap(self) -> bytes:
        """An alias of a trapping function, for the core function that comes next."""
        if self.trap_instance is None:
            self.trap_module, self.trap_instance = self.modules, self.core_instances
            self.out.append(Section(CORE_INSTANCE, vector([b"\0" + number(self.trap_module) + b"\0"])))
        self.traps.append(self.core_functions)
        return b"\0\0\x01" + number(self.trap_instance) + name(str(len(self.traps) - 1).encode())

    def moved(self, instance: int) -> int:
        """The new index of a core instance."""
        return instance + (self.trap_instance is not None and instance >= self.trap_instance)

    def core_instance(self, part: Section) -> None:
        reader, entries = Reader(part.body), []
        for _ in range(reader.number()):
            start = reader.at
            kind = reader.byte()
            if kind == 0:
                entry = b"\0" + number(reader.number())
                arguments = []
                for _ in range(reader.number()):
                    what = reader.name()
                    if reader.byte() != 0x12:
                        raise Unexpected("a core module is instantiated with something else than instances")
                    arguments.append(name(what) + b"\x12" + number(self.moved(reader.number())))
                entries.append(entry + vector(arguments))
            else:
                for _ in range(reader.number()):
                    reader.name()
                    reader.byte()
                    reader.number()
                entries.append(part.body[start : reader.at])
            self.core_instances += 1
        self.out.append(Section(CORE_INSTANCE, vector(entries)))


class Signatures:
    """The types of core functions: what the core modules that import them say."""

    def __init__(self, parts: list[Section]):
        modules = [part.body for part in parts if part.kind == CORE_MODULE]
        exports: list[dict[bytes, int]] = []  # of core instances made from functions: name -> core function
        self.types: dict[int, bytes] = {}
        parsed: dict[int, dict] = {}
        for part in parts:
            if part.kind != CORE_INSTANCE:
                continue
            reader = Reader(part.body)
            for _ in range(reader.number()):
                if reader.byte() == 0:
                    module = reader.number()
                    exports.append({})
                    for _ in range(reader.number()):
                        field = reader.name()
                        reader.byte()
                        given = exports[reader.number()]
                        if given:
                            if module not in parsed:
                                parsed[module] = imported(modules[module])
                            for function, index in given.items():
                                kind = parsed[module].get((field, function))
                                if kind is not None:
                                    self.types[index] = kind
                else:
                    found = {}
                    for _ in range(reader.number()):
                        field, sort, index = reader.name(), reader.byte(), reader.number()
                        if sort == 0:
                            found[field] = index
                    exports.append(found)

    def of(self, index: int) -> bytes:
        """The type of a core function, as a type section has it."""
        if index not in self.types:
            raise Unexpected(f"core function {index} has no known type")
        return self.types[index]


def imported(module: bytes) -> dict[tuple[bytes, bytes], bytes]:
    """The functions that a core module imports, with their types."""
    reader, types, found = Reader(module), [], {}
    reader.take(8)
    while not reader.done():
        kind = reader.byte()
        body = Reader(reader.take(reader.number()))
        if kind == 1:
            for _ in range(body.number()):
                start = body.at
                if body.byte() != 0x60:
                    raise Unexpected("a core module has a type that is no function")
                body.take(body.number())
                body.take(body.number())
                types.append(body.data[start : body.at])
        elif kind == 2:
            for _ in range(body.number()):
                key = (body.name(), body.name())
                match body.byte():
                    case 0:
                        found[key] = types[body.number()]
                    case 1:
                        body.byte()
                        limits(body)
                    case 2:
                        limits(body)
                    case 3:
                        body.take(2)
                    case 4:
                        body.byte()
                        body.number()
                    case other:
                        raise Unexpected(f"a core module imports a thing of kind {other}")
            return found
    return found


def limits(reader: Reader) -> None:
    flags = reader.byte()
    reader.number()
    if flags & 1:
        reader.number()


def trapping(types: list[bytes]) -> bytes:
    """A core module whose functions, exported as 0, 1, …, have these types and trap."""
    distinct = list(dict.fromkeys(types))
    functions = [number(distinct.index(kind)) for kind in types]
    exports = [name(str(index).encode()) + b"\0" + number(index) for index in range(len(types))]
    bodies = [b"\x03\0\0\x0b"] * len(types)  # no locals; unreachable; end
    out = b"\0asm\x01\0\0\0"
    for kind, items in ((1, distinct), (3, functions), (7, exports), (10, bodies)):
        body = vector(items)
        out += bytes([kind]) + number(len(body)) + body
    return out
