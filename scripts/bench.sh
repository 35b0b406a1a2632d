#!/usr/bin/env bash
# Runs every benchmark and writes the table of docs/performance.md. Each figure has its floor in the same run; on a busy
# machine the ratios hold better than the times.
#
#   scripts/bench.sh           run, and rewrite the table
#   scripts/bench.sh --print   run, and print the table only
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

lines=$(mktemp)
trap 'rm -f "$lines"' EXIT
benches=(door log run decide verify store)
# Scripts run on the interpreters that the end-to-end tests install.
if [ -e target/languages-test-state ]; then
  benches+=(scripts cold)
else
  echo "no interpreters: the benches of scripts are left out; the end-to-end tests install them" >&2
fi
cargo bench --workspace "${benches[@]/#/--bench=}" | tee /dev/stderr | grep '^{' >"$lines"

python3 - "$lines" "${1-}" <<'PYTHON'
import json, platform, re, sys

rows = [json.loads(line) for line in open(sys.argv[1])]

def size(row):
    return f'{row["bytes"] / 2**20:.2f} MiB' if "bytes" in row else time(row["median_ns"])

def time(ns):
    for unit, size in (("s", 1e9), ("ms", 1e6), ("µs", 1e3)):
        if ns >= size:
            return f"{ns / size:.3g} {unit}"
    return f"{ns:.0f} ns"

table = ["| workload | median | floor | ratio | of the minima | added | min – max | n |", "|---|---|---|---|---|---|---|---|"]
for row in rows:
    floor = time(row["floor_ns"]) if "floor_ns" in row else "–"
    ratio = f'{row["ratio"]:.2f}×' if "ratio" in row else "–"
    minima = f'{row["ratio_of_minima"]:.2f}×' if "ratio_of_minima" in row else "–"
    added = time(row["added_ns"]) if row.get("added_ns", -1) >= 0 else "–"
    spread = f'{time(row["min_ns"])} – {time(row["max_ns"])}' if "min_ns" in row else "–"
    table.append(f'| {row["workload"]} | {size(row)} | {floor} | {ratio} | {minima} | {added} | {spread} | {row["n"]} |')
text = "\n".join(table)
print(text)
if sys.argv[2] != "--print":
    path = "docs/performance.md"
    page = open(path).read()
    begin, end = "<!-- table -->\n", "\n<!-- end of table -->"
    head, rest = page.split(begin)
    _, tail = rest.split(end)
    open(path, "w").write(head + begin + text + end + tail)
PYTHON
