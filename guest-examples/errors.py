"""Counts the errors in a log that is larger than the run's memory: the response is read line by line.

policy:  one that allows the address, with a `limits.response` as large as the log
run:     bailiwick run guest-examples/errors.py --policy POLICY --as AGENT --input '{"log": "https://…"}'
"""

import urllib.request

lines = 0
errors = []
with urllib.request.urlopen(input["log"]) as log:
    for line in log:
        lines += 1
        if b" ERROR " in line:
            errors.append(line.decode().strip())

print(f"{len(errors)} errors in {lines} lines; the last one: {errors[-1]}")
result = {"lines": lines, "errors": len(errors)}
