import bailiwick
import datetime

db = bailiwick.sql("shop")
values = [None, True, 2**63 - 1, -(2**63), 1.5, 0.1, "naïve 🦉\u0000end", b"\x00\xfe", datetime.date(2026, 3, 1), ""]
back = [db.value("SELECT ? FROM customers LIMIT 1", [value]) for value in values]
errors = []
for bad in ({"a": object()}, [[1]], [{"x": 1}], [2**63], [float("nan")], 5):
    try:
        db.query("SELECT ? FROM customers", bad)
        errors.append("no error")
    except Exception as error:
        errors.append(f"{type(error).__name__}: {getattr(error, 'code', None)}")
kinds = db.query("SELECT typeof(?), typeof(?), typeof(?), typeof(?) FROM customers LIMIT 1", [b"", "", 1, 1.0])[0]
row = db.one("SELECT 1 AS a, 2 AS a, 3 AS b, 9e999 AS big FROM customers LIMIT 1")
print(back)
print(errors)
result = {"same": [a == b for a, b in zip(values, back)], "kinds": list(kinds), "row": [list(row), row.a, row.b, row.keys()]}
