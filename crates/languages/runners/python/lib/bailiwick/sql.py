"""SQL databases."""

import base64
from json import JSONDecoder, JSONEncoder

from _bailiwick import errors, host
from _bailiwick.arguments import json, text

_DECODE = JSONDecoder().decode


class Row(tuple):
    """One row: a tuple whose values also have the names of their columns, as in `row["total"]` or `row.total`."""

    __slots__ = ()

    def __getitem__(self, key):
        if isinstance(key, str):
            try:
                return tuple.__getitem__(self, self._columns.index(key))
            except ValueError:
                raise KeyError(key) from None
        return tuple.__getitem__(self, key)

    def __getattr__(self, name):
        try:
            return self[name]
        except KeyError:
            raise AttributeError(f"no column {name!r}; there are {', '.join(self._columns)}") from None

    def keys(self):
        """The names of the columns."""
        return list(self._columns)

    def asdict(self) -> dict:
        """The row as a dict, which is JSON, too."""
        return dict(zip(self._columns, self))


class Rows(list):
    """The rows of a statement, with the names of its `columns` and how many rows it `changes`."""

    columns: list[str]
    changes: int

    def dicts(self) -> list[dict]:
        """The rows as dicts."""
        return [dict(zip(self.columns, row)) for row in self]


class Database:
    """One database, by its name in the policy."""

    def __init__(self, name: str):
        self.name = text(name, "sql: `name`")

    def query(self, statement: str, parameters: list | tuple | dict = ()) -> Rows:
        """Runs one statement, which is a transaction of its own, with parameters for `?` (a list) or `:name` (a dict)."""
        database, asked = text(self.name, "sql: the database's name"), text(statement, "sql.query: `statement`")
        values = json(_ENCODE, _values(parameters), "sql.query: `parameters`")
        what = f"sql {database}: {' '.join(asked[:2000].split())[:200]}"
        try:
            reply = _DECODE(host.call(what, host.sql.query, database, asked, values))
        except errors.SqlError as error:
            said = host.sql.message()
            if said:
                failure = errors.SqlError(f"[{error.code}] {said}")
                failure.code = error.code
                raise failure from None
            raise
        columns = reply["columns"]
        kind = type("Row", (Row,), {"__slots__": (), "_columns": columns, "__module__": "bailiwick"})
        rows = Rows(kind(map(_plain, row)) for row in reply["rows"])
        rows.columns = columns
        rows.changes = reply.get("changes", 0)
        return rows

    execute = query

    def one(self, statement: str, parameters: list | tuple | dict = ()):
        """The first row, or `None`."""
        rows = self.query(statement, parameters)
        return rows[0] if rows else None

    def value(self, statement: str, parameters: list | tuple | dict = ()):
        """The first value of the first row, or `None`."""
        row = self.one(statement, parameters)
        return row[0] if row else None

    def __repr__(self):
        return f"bailiwick.sql({self.name!r})"


def _values(parameters):
    """The values for the placeholders, each one that a database has."""
    if isinstance(parameters, dict):
        values = {text(key, "sql.query: a name in `parameters`"): value for key, value in parameters.items()}
        each = values.values()
    elif isinstance(parameters, (str, bytes, bytearray, memoryview)) or not hasattr(parameters, "__iter__"):
        kind = "None" if parameters is None else type(parameters).__name__
        raise TypeError(f"sql.query: `parameters` is a list for `?`, or a dict for `:name`, not {kind}; one value is `[value]`")
    else:
        values = each = list(parameters)
    for value in each:
        if not isinstance(value, _FITTING) and not hasattr(value, "isoformat"):
            raise _unfit(value)
        if isinstance(value, int) and not -(2**63) <= value < 2**63:
            raise OverflowError("an integer of a database has at most 64 bits")
    return values


_FITTING = (type(None), int, float, str, bytes, bytearray, memoryview)


def _unfit(value):
    return TypeError(f"sql.query: a parameter is None, a number, text, bytes or a date, not {type(value).__name__}")


def _value(value):
    if isinstance(value, (bytes, bytearray, memoryview)):
        return {"$bytes": base64.b64encode(value).decode()}
    if hasattr(value, "isoformat"):
        return value.isoformat()
    raise _unfit(value)


_ENCODE = JSONEncoder(default=_value, allow_nan=False).encode


def _plain(value):
    if isinstance(value, dict) and "$bytes" in value:
        return base64.b64decode(value["$bytes"])
    return value


def sql(name: str) -> Database:
    """A database, by its name in the policy."""
    return Database(name)
