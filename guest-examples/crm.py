# Notes who was called, in a customer database of PostgreSQL. The policy leaves it names and notes, and no address or telephone
# number: `how-to/postgresql.md`. Run it with a manifest like the one there:
#
#   bailiwick run guest-examples/crm.py --policy crm.toml --as notes-bot --input '{"called": ["ada"]}'

import bailiwick

crm = bailiwick.sql("crm")
noted = 0
for name in input["called"]:
    changes = crm.query("update customers set note = :note where name = :name", {"note": "called", "name": name}).changes
    noted += changes
    if changes == 0:
        print(f"there is no customer {name}")

# Whoever was not called yet, oldest order first. `customers.name`: a name without its table counts for both tables.
waiting = crm.query(
    """
    select customers.name, count(*) as orders, sum(orders.total) as total
    from customers join orders on orders.customer = customers.id
    where customers.note is null
    group by customers.name
    order by min(orders.placed)
    """
)
try:
    crm.query("select * from customers")
    print("all columns were shown")
except PermissionError:
    pass  # `*` would show the addresses, too

result = {"noted": noted, "waiting": [{"name": row.name, "orders": row.orders, "total": row.total} for row in waiting]}
