"""What a script may ask of its host, beyond files and the web.

    import bailiwick
    bailiwick.crypto.sign("expenses/2026", b"message")
    bailiwick.kv("state").get("cursor")
    bailiwick.sql("ledger").query("select * from expenses where month = ?", ["2026-10"])
    bailiwick.secret("bank-token")
    bailiwick.tools.calendar.create_event(title="Review")
    bailiwick.call("x-mail", "send", "team/alice", subject="Hello")

Each call is checked against the policy. One that is not allowed raises `PermissionError`, with the host's reason in `.code`;
one that is too much at once raises `LimitError`.
"""

from _bailiwick.errors import LimitError, SqlError, ToolError
from _bailiwick.extension import call
from _bailiwick.tools import Tools, abilities

from . import crypto
from .kv import kv
from .secrets import secret
from .sql import sql

__all__ = ["LimitError", "SqlError", "ToolError", "abilities", "call", "crypto", "kv", "secret", "sql", "tools"]

tools = Tools()
