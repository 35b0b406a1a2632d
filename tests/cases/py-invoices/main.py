import csv
import json
from collections import defaultdict
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal, localcontext
from pathlib import Path

CENT = Decimal("0.01")


def money(amount, rounding=ROUND_HALF_UP):
    return amount.quantize(CENT, rounding=rounding)


def total(invoice):
    """Net and VAT by rate; each line is rounded, tax is computed once per rate."""
    factor = 1 - Decimal(invoice.get("discount", 0)) / 100
    net = defaultdict(Decimal)
    for line in invoice["lines"]:
        amount = Decimal(line["quantity"]) * Decimal(line["price"]) * factor
        net[line["vat"]] += money(amount, ROUND_HALF_EVEN)
    vat = {rate: money(amount * rate / 100) for rate, amount in net.items()}
    return net, vat


rows, by_rate = [], defaultdict(Decimal)
for path in sorted(Path("/data/2026-10").glob("inv-*.json")):
    invoice = json.loads(path.read_text(), parse_float=Decimal)
    net, vat = total(invoice)
    rows.append((invoice["number"], sum(net.values()), sum(vat.values())))
    for rate, amount in vat.items():
        by_rate[rate] += amount

with open("/out/totals.csv", "w", newline="") as target:
    writer = csv.writer(target, lineterminator="\n")
    writer.writerow(["number", "net", "vat", "gross"])
    for number, net, vat in rows:
        writer.writerow([number, net, vat, net + vat])

with localcontext() as context:
    context.prec = 6
    print("one third at six digits:", Decimal(1) / 3)
assert Decimal("0.1") + Decimal("0.2") == Decimal("0.3") and 0.1 + 0.2 != 0.3
assert sum(by_rate.values()) == sum(vat for _, _, vat in rows)

gross = sum(net + vat for _, net, vat in rows)
print(f"{len(rows)} invoices, {gross:,} in all")
result = {"gross": str(gross), "vat_by_rate": {str(rate): str(amount) for rate, amount in sorted(by_rate.items())}}
