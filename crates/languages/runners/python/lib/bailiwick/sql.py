"""SQL databases."""

import base64
from json import JSONDecoder, dumps

from _bailiwick import errors, host

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
        self.name = name

    def query(self, statement: str, parameters: list | tuple | dict = ()) -> Rows:
        """Runs one statement, which is a transaction of its own, with parameters for `?` (a list) or `:name` (a dict)."""
        values = parameters if isinstance(parameters, dict) else list(parameters)
        for value in values.values() if isinstance(values, dict) else values:
            _check(value)
        what = f"sql {self.name}: {' '.join(statement.split())[:200]}"
        try:
            text = host.call(what, host.sql.query, self.name, statement, dumps(values, default=_value, allow_nan=False))
        except errors.SqlError as error:
            said = host.sql.message()
            if said:
                failure = errors.SqlError(f"[{error.code}] {said}")
                failure.code = error.code
                raise failure from None
            raise
        reply = _DECODE(text)
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


def _check(value):
    if isinstance(value, (list, tuple, dict)):
        raise _unfit(value)
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        raise OverflowError("an integer of a database has at most 64 bits")


def _unfit(value):
    return TypeError(f"a parameter is None, a number, text, bytes or a date, not {type(value).__name__}")


def _value(value):
    if isinstance(value, (bytes, bytearray, memoryview)):
        return {"$bytes": base64.b64encode(value).decode()}
    if hasattr(value, "isoformat"):
        return value.isoformat()
    raise _unfit(value)


def _plain(value):
    if isinstance(value, dict) and "$bytes" in value:
        return base64.b64decode(value["$bytes"])
    return value


def sql(name: str) -> Database:
    """A database, by its name in the policy."""
    return Database(name)
