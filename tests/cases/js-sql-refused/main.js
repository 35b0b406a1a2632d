const db = bailiwick.sql("shop");
const long = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 20000)";
const tried = [
  ["SELECT * FROM salaries"],
  ["SELECT person FROM salaries WHERE cents > (SELECT max(cents) FROM products)"],
  ["DELETE FROM order_items"],
  ["UPDATE customers SET name = 'Mallory'"],
  ["PRAGMA journal_mode = OFF"],
  ["SELEC 1"],
  ["SELECT nam FROM customers"],
  ["SELECT name FROM customers; SELECT 1"],
  ["SELECT name FROM customers WHERE id = ?", []],
  ["SELECT name FROM customers WHERE id = ?", [[1]]],
  ["UPDATE orders SET status = 'lost' WHERE id = 5"],
  ["UPDATE products SET stock = 0.5 - 1 WHERE sku = 'PEN-1'"],
  [`${long} SELECT x FROM n, products LIMIT 20000`],
  ["SELECT zeroblob(2000000) FROM products"],
  ["SELECT ? FROM customers", ["x".repeat(1 << 20)]],
];
result = [];
for (const [statement, parameters] of tried) {
  try {
    db.query(statement, parameters);
    result.push("no error");
  } catch (error) {
    result.push(`${error.name} ${error.code}`);
    console.log(error.message);
  }
}
const refunded = db.query("UPDATE orders SET status = 'refunded' WHERE id = ? AND status = 'paid' RETURNING id, customer", [5]);
const again = db.run("UPDATE orders SET status = 'refunded' WHERE id = ? AND status = 'paid' RETURNING id", [5]);
result.push({ refunded, again });
