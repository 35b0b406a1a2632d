import bailiwick

db = bailiwick.sql("shop")
tried = [
    "SELECT sum(cents) FROM salaries",
    "SELECT name FROM customers UNION SELECT person || cents FROM salaries",
    "INSERT INTO reports (name, month, body) SELECT person, '2026-03', cents FROM salaries",
    "DELETE FROM customers",
    "INSERT INTO customers VALUES (6, 'Mallory', 'XX', '2026-03-31')",
    "SELECT sql FROM sqlite_master",
    "PRAGMA table_list",
    "ATTACH 'copy.db' AS copy",
    "DROP TABLE reports",
]
codes = []
for statement in tried:
    try:
        db.query(statement)
        codes.append("no error")
    except PermissionError as error:
        codes.append(error.code)
try:
    bailiwick.sql("payroll").query("SELECT 1 FROM salaries")
except PermissionError as error:
    codes.append(error.code)
    print(error)
db.query("INSERT INTO reports (name, month, body) VALUES ('costs', '2026-03', 'costs: not available')")
result = codes
