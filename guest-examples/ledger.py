# Compares a month's expenses with the budgets, books a correction once, and remembers in a store that it did.
#
#   sqlite3 policies/data/ledger.db < policies/data/ledger.sql
#   bailiwick run guest-examples/ledger.py --policy policies/ledger.toml --as clerk --input '{"month": "2026-10"}'
import bailiwick

month = input["month"]
ledger, memory = bailiwick.sql("ledger"), bailiwick.kv("memory")

if memory.swap(f"reports/{month}-corrected", None, "yes"):  # two runs at once book it once
    typo = ledger.one("SELECT day, account, cents FROM expenses WHERE note LIKE ? AND day LIKE ?", ["%zero too many", f"{month}%"])
    if typo:
        ledger.query(
            "INSERT INTO expenses (day, account, cents, note) VALUES (:day, :account, :cents, 'correction')",
            {"day": typo.day, "account": typo.account, "cents": typo.cents // 10 - typo.cents},
        )

rows = ledger.query(
    """SELECT a.name, a.budget, coalesce(t.cents, 0) AS spent
       FROM accounts a LEFT JOIN totals t ON t.account = a.name AND t.month = ? ORDER BY spent * 1.0 / a.budget DESC""",
    [month],
)
for row in rows:
    print(f"{row.name:<8}{row.spent / 100:>10.2f} of {row.budget / 100:>8.2f}{'  over' if row.spent > row.budget else ''}")

try:
    ledger.query("SELECT person, cents FROM salaries")
except PermissionError as refusal:
    print("not read:", refusal)

runs = memory.increment(f"reports/{month}-runs")
result = {"month": month, "over": [row.name for row in rows if row.spent > row.budget], "runs": runs}
