import csv
import io
import json


def flatten(value, prefix=""):
    """Yields (dotted path, leaf) for every leaf of a JSON value."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from flatten(inner, f"{prefix}.{key}" if prefix else key)
    elif isinstance(value, list):
        if all(not isinstance(inner, (dict, list)) for inner in value):
            yield prefix, "|".join(map(str, value))
        else:
            for position, inner in enumerate(value):
                yield from flatten(inner, f"{prefix}[{position}]")
    else:
        yield prefix, value


rows = [dict(flatten(order)) for order in input["orders"]]
columns = []
for row in rows:
    columns.extend(name for name in row if name not in columns)

buffer = io.StringIO()
writer = csv.DictWriter(buffer, fieldnames=columns, restval="", lineterminator="\n")
writer.writeheader()
writer.writerows(rows)

# The way back must give the same cells.
again = list(csv.DictReader(io.StringIO(buffer.getvalue())))
assert [row["customer.name"] for row in again] == [order["customer"]["name"] for order in input["orders"]]
print(json.dumps(columns))

buffer.getvalue()
