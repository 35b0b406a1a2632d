function* cells(text) {
  let row = [], cell = "", quoted = false;
  for (let i = 0; i < text.length; i++) {
    const c = text[i];
    if (quoted) {
      if (c === '"' && text[i + 1] === '"') { cell += '"'; i++; }
      else if (c === '"') quoted = false;
      else cell += c;
    } else if (c === '"') {
      quoted = true;
    } else if (c === ",") {
      row.push(cell); cell = "";
    } else if (c === "\n") {
      row.push(cell);
      yield row;
      row = []; cell = "";
    } else {
      cell += c;
    }
  }
  if (cell !== "" || row.length) yield [...row, cell];
}

function parse(text) {
  const [head, ...rows] = [...cells(text.trimStart())];
  return rows.map((row) => Object.fromEntries(head.map((name, i) => [name, row[i]])));
}

const orders = parse(await bailiwick.files.readText("/data/orders.csv"));
const customers = new Map(
  JSON.parse(await bailiwick.files.readText("/data/customers.json")).map(({ id, name }) => [id, name]),
);

const totals = new Map();
for (const { customer, total } of orders) {
  const name = customers.get(customer) ?? `unknown (${customer})`;
  const entry = totals.get(name) ?? { name, orders: 0, total: 0 };
  entry.orders += 1;
  entry.total += Number(total);
  totals.set(name, entry);
}
const sorted = [...totals.values()].sort((a, b) => b.total - a.total || a.name.localeCompare(b.name));
await bailiwick.files.writeText("/out/totals.json", JSON.stringify(sorted, null, 2) + "\n");

for (const { id, comment } of orders.filter((order) => order.comment)) console.log(id, JSON.stringify(comment));
result = { orders: orders.length, customers: sorted.length };
