interface Sale { month: string; sku: string; cents: number }

const db = bailiwick.sql("shop");
const sales: Sale[] = db.query("SELECT month, sku, sum(cents) AS cents FROM sales GROUP BY month, sku ORDER BY sku, month");
const months = [...new Set(sales.map((sale) => sale.month))].sort();
const table = [...Map.groupBy(sales, ({ sku }: Sale) => sku)].map(([sku, rows]) => ({
  sku,
  ...Object.fromEntries(months.map((month) => [month, rows.find((row) => row.month === month)?.cents ?? 0])),
}));
console.table(table);

const tags = db.query(`
  SELECT t.value AS tag, group_concat(sku, ' ') AS skus FROM (
    SELECT p.sku, e.value FROM products p, json_each(p.attributes, '$.tags') e ORDER BY p.sku
  ) t GROUP BY tag ORDER BY tag`);
const colours = db.query("SELECT sku, attributes ->> 'colour' AS colour FROM products WHERE attributes ->> 'colour' IS NOT NULL ORDER BY sku");
result = { months, table, tags, colours };
