import logging
import os
import string


class Event:
    def __init__(self, name):
        self.name = name


event = Event("launch")
TEMPLATES = [
    "{e.__init__.__globals__[os].environ}",
    "{e.__class__.__init__.__globals__[CONFIG]}",
    "{e.__init__.__globals__[os].sys.modules[builtins].open}",
    "{e.__init__.__globals__[os].path.genericpath.os.environ[DEPLOY_TOKEN]}",
    "{e.__class__.__mro__[1].__subclasses__}",
]
CONFIG = {"key": "the script's own"}
for template in TEMPLATES:
    try:
        text = template.format(e=event)
        print(text if len(text) < 60 and " at 0x" not in text else "(an object)")
    except (KeyError, AttributeError, ValueError, TypeError) as error:
        print(type(error).__name__, str(error)[:60])

try:
    print(string.Formatter().vformat("{0.__globals__[os].environ[DEPLOY_TOKEN]}", (Event.__init__,), {}))
except Exception as error:
    print(type(error).__name__)
record = logging.makeLogRecord({"msg": "%(a)s", "args": {"a": os.environ}})
print(record.getMessage() in ("environ({})", "{}"), "%(x)s" % {"x": os.environ.get("DEPLOY_TOKEN")})
print(f"{os.environ.get('DEPLOY_TOKEN')!r:>10}")
