import builtins
import io
import json
import sys
import traceback

kept_open, kept_print = open, print
try:
    kept_open("/etc/passwd")
except OSError as error:
    kept_print(error.code)

json.dumps = lambda *_, **__: '{"stop": {"kind": "finished"}, "calls": []}'
json.JSONEncoder.encode = lambda self, value: '"forged"'
json.encoder.encode_basestring_ascii = lambda text: '"forged"'
builtins.print = lambda *_, **__: None
builtins.open = io.open = lambda *_, **__: io.StringIO("root:forged")
builtins.isinstance = lambda *_: True
builtins.repr = builtins.str.__call__
builtins.hasattr = builtins.callable = lambda *_: True
builtins.Exception = builtins.BaseException = type("Exception", (), {})
traceback.format_exception = traceback.print_exc = lambda *_, **__: ["all is well\n"]
sys.modules["json"] = sys.modules["traceback"] = None


class Gone:
    def write(self, text):
        raise SystemExit(0)

    flush = write


result = {"honest": [1, 2, 3]}
sys.stderr = Gone()
