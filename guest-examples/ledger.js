// Asks for a month's expenses, keeps the answer in a store for an hour, and shows what each kind of mistake looks like.
//
//   sqlite3 policies/data/ledger.db < policies/data/ledger.sql
//   bailiwick run guest-examples/ledger.js --policy policies/ledger.toml --as clerk --input '{"month": "2026-10"}'
const { month } = input;
const ledger = bailiwick.sql("ledger");
const memory = bailiwick.kv("memory");

const key = `reports/${month}`;
let totals = memory.getJson(key);
const cached = totals !== null;
if (!cached) {
  totals = ledger.query("SELECT account, cents FROM totals WHERE month = ? ORDER BY cents DESC", [month]);
  memory.set(key, totals, { ttl: 3_600_000 });
}
console.table(totals);

const tried = {
  "no such table": () => ledger.query("SELECT * FROM expense"),
  "an account that is not there": () => ledger.execute("INSERT INTO expenses (day, account, cents) VALUES (?, ?, ?)", [`${month}-01`, "fun", 100]),
  "what was booked stays": () => ledger.execute("UPDATE expenses SET cents = 1 WHERE id = 1"),
  "salaries": () => ledger.first("SELECT max(cents) FROM salaries"),
  "another store": () => bailiwick.kv("secrets").get("a"),
};
for (const [what, attempt] of Object.entries(tried)) {
  try {
    attempt();
  } catch ({ name, message }) {
    console.log(`${what}: ${name}: ${message}`);
  }
}
result = { month, cached, total: totals.reduce((sum, { cents }) => sum + cents, 0) };
