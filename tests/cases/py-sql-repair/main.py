import bailiwick

db = bailiwick.sql("shop")
guesses = [
    "SELECT country, SUM(amount) FROM sales GROUP BY country",
    "SELECT c.country, SUM(s.amount) FROM sales s JOIN customers c ON c.id = s.customer_id GROUP BY 1",
    "SELECT c.country, SUM(s.cents FROM sales s JOIN customers c ON c.id = s.customer GROUP BY 1",
    "SELECT c.country, SUM(s.cents) AS cents FROM sales s JOIN customers c ON c.id = s.customer GROUP BY 1 ORDER BY 1; -- done",
    "SELECT c.country, SUM(s.cents) AS cents FROM sales s JOIN customers c ON c.id = s.customer WHERE s.month >= ? GROUP BY 1",
    "SELECT c.country, SUM(s.cents) AS cents FROM sales s JOIN customers c ON c.id = s.customer GROUP BY 1 ORDER BY 2 DESC",
]
said = []
for guess in guesses:
    try:
        rows = db.query(guess)
        break
    except bailiwick.SqlError as error:
        said.append(str(error))
        print(error)
result = {"attempts": len(said) + 1, "rows": rows.dicts()}
