import bailiwick

db = bailiwick.sql("shop")
rows = db.query("""
    WITH monthly AS (
        SELECT month, sum(cents) AS cents, count(DISTINCT "order") AS orders FROM sales GROUP BY month
    )
    SELECT month, orders, cents,
           sum(cents) OVER (ORDER BY month) AS so_far,
           round(100.0 * cents / sum(cents) OVER (), 1) AS share,
           cents - lag(cents) OVER (ORDER BY month) AS change
    FROM monthly ORDER BY month
""")
print(f"{'month':<8}{'orders':>7}{'revenue':>10}{'so far':>10}{'share':>8}{'change':>10}")
for row in rows:
    change = "" if row.change is None else f"{row.change / 100:+.2f}"
    print(f"{row.month:<8}{row.orders:>7}{row.cents / 100:>10.2f}{row.so_far / 100:>10.2f}{row.share:>7}%{change:>10}")

best = max(rows, key=lambda row: row["cents"])
result = {"columns": rows.columns, "best": best.asdict(), "total": db.value("SELECT sum(cents) FROM sales")}
