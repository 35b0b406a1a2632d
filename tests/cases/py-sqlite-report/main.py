import json
import sqlite3

connection = sqlite3.connect(":memory:")
connection.row_factory = sqlite3.Row
connection.executescript("""
    CREATE TABLE employee (
        id INTEGER PRIMARY KEY,
        name TEXT NOT NULL UNIQUE,
        department TEXT NOT NULL,
        salary INTEGER NOT NULL CHECK (salary > 0),
        boss INTEGER REFERENCES employee (id)
    );
    CREATE INDEX by_department ON employee (department);
""")

with open("/data/employees.json") as file:
    rows = json.load(file)
with connection:
    for name, department, salary, boss in rows:
        connection.execute(
            "INSERT INTO employee (name, department, salary, boss)"
            " VALUES (?, ?, ?, (SELECT id FROM employee WHERE name = ?))",
            (name, department, salary, boss),
        )

try:
    with connection:
        connection.execute("UPDATE employee SET salary = salary + 100")
        connection.execute("INSERT INTO employee (name, department, salary) VALUES ('Ada', 'Sales', 1)")
except sqlite3.IntegrityError as error:
    print("rolled back:", error)

connection.create_function("initials", 1, lambda name: name[0] + ".", deterministic=True)

report = connection.execute("""
    SELECT initials(name) AS who, department, salary,
           rank() OVER (PARTITION BY department ORDER BY salary DESC) AS place,
           round(100.0 * salary / sum(salary) OVER (PARTITION BY department), 1) AS share
    FROM employee ORDER BY department, place, name
""").fetchall()
for row in report:
    print(f"{row['department']:<6} {row['place']}. {row['who']} {row['salary']:>5} {row['share']:>5}%")

chain = connection.execute("""
    WITH RECURSIVE up (name, boss, depth) AS (
        SELECT name, boss, 0 FROM employee WHERE name = :name
        UNION ALL
        SELECT e.name, e.boss, up.depth + 1 FROM employee AS e JOIN up ON e.id = up.boss
    )
    SELECT group_concat(name, ' < ') FROM (SELECT name FROM up ORDER BY depth)
""", {"name": "O'Neil"}).fetchone()[0]

average = dict(connection.execute("SELECT department, avg(salary) FROM employee GROUP BY 1 HAVING count(*) > 2"))
result = {"chain": chain, "average": {name: round(value, 2) for name, value in average.items()}}
