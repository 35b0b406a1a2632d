import bailiwick
import csv

db = bailiwick.sql("shop")
problems = []
with open("/inbox/count.csv", newline="") as file:
    for number, line in enumerate(csv.DictReader(file), start=2):
        try:
            stock = int(line["stock"])
            changed = db.query("UPDATE products SET stock = ? WHERE sku = ?", (stock, line["sku"])).changes
        except ValueError:
            problems.append((number, "not a number"))
        except bailiwick.SqlError as error:
            problems.append((number, error.code, str(error)))
        else:
            if not changed:
                problems.append((number, "no such product"))

summary = f"{len(problems)} problems"
for attempt in range(2):
    try:
        db.query("INSERT INTO reports (name, month, body, made) VALUES ('count', '2026-03', ?, ?)", (summary, b"\x00\xff"))
    except bailiwick.SqlError as error:
        print("second time:", error)
        db.query(
            "INSERT INTO reports (name, month, body) VALUES ('count', '2026-03', ?)"
            " ON CONFLICT (name, month) DO UPDATE SET body = excluded.body || ', again'",
            (summary,),
        )
row = db.one("SELECT body, made FROM reports")
print(row)
result = {"problems": problems, "body": row.body, "made": row.made.hex()}
