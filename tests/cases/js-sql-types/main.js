const db = bailiwick.sql("shop");
const values = [null, true, 2 ** 53 - 1, 2n ** 63n - 1n, -(2n ** 63n), 1.5, 1e300, "naïve 🦉", new Uint8Array([0, 254]), new Date(0), ""];
const back = values.map((value) => Object.values(db.first("SELECT ? AS v FROM customers", [value]))[0]);
console.log(back);
const kinds = db.run("SELECT typeof(?1) AS a, typeof(?2) AS b, typeof(?3) AS c, 9007199254740993 AS d FROM customers LIMIT 1", [new ArrayBuffer(2), 1, "1"]);
const errors = [2n ** 64n, Symbol("x"), () => 1, { a: 1 }, NaN].map((value) => {
  try {
    return typeof db.first("SELECT ? AS v FROM customers", [value]).v;
  } catch (error) {
    return `${error.name} ${error.code ?? ""}`;
  }
});
result = { back: back.map((value) => (typeof value === "bigint" ? `${value}n` : value instanceof Uint8Array ? value.toHex() : value)), kinds: { ...kinds, rows: String(kinds.rows[0].d) + kinds.rows[0].a + kinds.rows[0].b + kinds.rows[0].c }, errors };
