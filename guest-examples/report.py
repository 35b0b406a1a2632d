# Sums up a month of sales by region, writes the summary into the outbox, and tries to send it to somebody.
#
#   bailiwick run guest-examples/report.py --policy policies/report.toml --as analyst --input '{"month": "2026-10"}'
import csv
import json
from collections import defaultdict
from pathlib import Path

import requests

month = input["month"]
regions = defaultdict(lambda: {"units": 0, "amount": 0.0})
with open(f"/sales/{month}.csv", newline="") as sales:
    for row in csv.DictReader(sales):
        region = regions[row["region"]]
        region["units"] += int(row["units"])
        region["amount"] += float(row["amount"])

summary = {name: {"units": r["units"], "amount": round(r["amount"], 2)} for name, r in sorted(regions.items())}
Path(f"/outbox/{month}.json").write_text(json.dumps(summary, indent=2) + "\n")
for name, region in summary.items():
    print(f"{name:<6} {region['units']:>5} units {region['amount']:>10.2f}")

try:
    requests.post("https://collector.example.net/reports", json=summary)
except PermissionError as refusal:
    print("not sent:", refusal)

result = {"month": month, "regions": len(summary), "amount": round(sum(r["amount"] for r in summary.values()), 2)}
