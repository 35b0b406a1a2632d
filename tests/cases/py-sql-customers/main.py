import bailiwick
from datetime import date, timedelta

db = bailiwick.sql("shop")
cutoff = date(2026, 3, 31) - timedelta(days=30)


def spent(name):
    return db.one(
        """SELECT c.name, count(DISTINCT s."order") AS orders, coalesce(sum(s.cents), 0) AS cents
           FROM customers c LEFT JOIN sales s ON s.customer = c.id WHERE c.name = :name GROUP BY c.id""",
        {"name": name},
    )


people = [spent(name) for name in ("Ada", "Chloé", "Eve; DROP TABLE orders", "Eve' OR '1'='1", "x'; DELETE FROM orders; --")]
lapsed = db.query(
    "SELECT name, max(placed) AS last FROM customers JOIN orders ON customer = customers.id"
    " GROUP BY customers.id HAVING last < ? ORDER BY last",
    [cutoff],
)
for row in lapsed:
    print(f"{row['name']} has not ordered since {row.last}")
result = {
    "people": [person and person.asdict() for person in people],
    "lapsed": lapsed.dicts(),
    "orders": db.value("SELECT count(*) FROM orders"),
}
