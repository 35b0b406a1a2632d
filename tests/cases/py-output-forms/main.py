import contextlib
import csv
import io
import json
import logging
import pprint
import sys


class Shown:
    def __str__(self):
        return "shown"


print()
print(1, 2.5, None, Shown(), sep="-")
print("no", "line", "end", end="|")
print("default", "parts", sep=None, end=None)
print(*"abc", sep="")
print("half a pair: \ud800")
for bad in ({"sep": 1}, {"end": b""}, {"what": 1}):
    try:
        print("never", **bad)
    except TypeError as error:
        print("TypeError:", error)
json.dump({"month": 10, "sums": [1, 2.5, None], "text": "ä"}, sys.stdout, indent=1, ensure_ascii=False)
print()
pprint.pprint({"b": list(range(30)), "a": "x" * 90})
csv.writer(sys.stdout, lineterminator="\n").writerows([["a", 1], ["b,c", 2]])
logging.basicConfig(stream=sys.stdout, format="%(levelname)s %(message)s")
logging.warning("logged")
with contextlib.redirect_stdout(io.StringIO()) as caught:
    print("caught", end="")
    json.dump([1, {"a": 2}], sys.stdout)
print(repr(caught.getvalue()))
try:
    json.dump([1, 2, object()], sys.stdout)
except TypeError as error:
    print("", error, sep="\n")
sys.stdout.reconfigure(encoding="latin-1", errors="replace")
print("reconfigured: €")
sys.stdout.buffer.write(b"bytes\n")
print("err", file=sys.stderr, flush=True)
sys.stdout = io.TextIOWrapper(sys.stdout.buffer, encoding="utf-8", newline="\n")
print("from a wrapper of the script's own, left in its buffer ü")
