// The same report as `report.py`, in TypeScript. The types are taken away, not checked.
//
//   bailiwick run guest-examples/report.ts --policy policies/report.toml --as analyst --input '{"month": "2026-10"}'
import { readFileSync, writeFileSync } from "node:fs";

interface Region {
  units: number;
  amount: number;
}

const { month } = input as { month: string };
const [header, ...lines] = readFileSync(`/sales/${month}.csv`, "utf8").trim().split("\n");
const columns = header.split(",");
const regions = new Map<string, Region>();
for (const line of lines) {
  const row = Object.fromEntries(line.split(",").map((value, index) => [columns[index], value]));
  const region = regions.get(row.region) ?? { units: 0, amount: 0 };
  regions.set(row.region, { units: region.units + Number(row.units), amount: region.amount + Number(row.amount) });
}

const summary = Object.fromEntries([...regions].sort(([a], [b]) => a.localeCompare(b)));
writeFileSync(`/outbox/${month}.json`, JSON.stringify(summary, null, 2) + "\n");
for (const [name, { units, amount }] of Object.entries(summary)) {
  console.log(`${name.padEnd(6)} ${String(units).padStart(5)} units ${amount.toFixed(2).padStart(10)}`);
}

try {
  await fetch("https://collector.example.net/reports", { method: "POST", body: JSON.stringify(summary) });
} catch (refusal) {
  console.log("not sent:", (refusal as Error).message);
}

const amount = Object.values(summary).reduce((sum, region) => sum + region.amount, 0);
result = { month, regions: regions.size, amount: Number(amount.toFixed(2)) };
