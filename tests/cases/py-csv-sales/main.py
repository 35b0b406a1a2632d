import csv
import json
from collections import defaultdict
from pathlib import Path

SOURCE = Path("/data/sales.csv")
TARGET = Path("/out/summary.json")

by_region = defaultdict(float)
by_month = defaultdict(float)
best = {}
skipped = []
rows = 0

with SOURCE.open(newline="", encoding="utf-8") as handle:
    reader = csv.DictReader(line for line in handle if line.strip())
    for row in reader:
        if not row["units"]:
            skipped.append({"line": reader.line_num, "reason": "units is empty"})
            continue
        revenue = int(row["units"]) * float(row["unit_price"])
        by_region[row["region"]] += revenue
        by_month[row["date"][:7]] += revenue
        if revenue > best.get(row["region"], ("", 0.0))[1]:
            best[row["region"]] = (row["product"], revenue)
        rows += 1

summary = {
    "rows": rows,
    "skipped": skipped,
    "by_region": {region: round(total, 2) for region, total in by_region.items()},
    "by_month": {month: round(total, 2) for month, total in by_month.items()},
}
TARGET.write_text(json.dumps(summary, indent=2, sort_keys=True) + "\n", encoding="utf-8")

print(f"{rows} rows, {len(skipped)} skipped")
for region in sorted(best, key=lambda name: -by_region[name]):
    product, revenue = best[region]
    print(f"{region:<6} {by_region[region]:>8.2f}  best: {product} ({revenue:.2f})")

result = summary["by_region"]
