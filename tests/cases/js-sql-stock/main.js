const db = bailiwick.sql("shop");

const low = db.query(
  `SELECT p.sku, p.title, p.stock, p.reorder_at, coalesce(sum(s.quantity), 0) AS sold
   FROM products p LEFT JOIN sales s ON s.sku = p.sku AND s.month >= :since
   WHERE p.stock < p.reorder_at GROUP BY p.sku ORDER BY p.stock * 1.0 / p.reorder_at DESC`,
  { since: "2026-02" },
);
const orders = low.map(({ sku, title, stock, reorder_at, sold }) => ({ sku, title, order: 2 * reorder_at - stock, sold }));
for (const { title, order, sold } of orders) console.log(`Dear supplier, please send ${order} × ${title} (we sold ${sold}).`);

const body = orders.map(({ sku, order }) => `${sku}:${order}`).join();
const save = () => db.execute("INSERT INTO reports (name, month, body) VALUES ('reorder', ?, ?)", ["2026-03", body]);
const first = save();
let second;
try {
  save();
} catch (error) {
  second = { name: error.name, code: error.code, message: error.message };
}
result = { orders, first, second, missing: db.first("SELECT title FROM products WHERE sku = ?", ["NIB-9"]) };
