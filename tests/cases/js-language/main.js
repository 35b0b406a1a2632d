const tests = [];
const t = (name, check) => tests.push([name, check]);
const eq = (is, expected) => {
  const [a, b] = [JSON.stringify(is), JSON.stringify(expected)];
  if (a !== b) throw new Error(`${a} is not ${b}`);
};
const thrown = async (act) => { try { await act(); } catch (error) { return error; } };
t("modern", () => {
  eq(Object.groupBy([1, 2, 3], (x) => (x % 2 ? "o" : "e")), { o: [1, 3], e: [2] });
  eq([3, 1, 2].toSorted(), [1, 2, 3]);
  eq([1, 2, 3].at(-1), 3);
  eq([1, 2, 3].findLast((x) => x < 3), 2);
  eq("aXbX".replaceAll("X", "-"), "a-b-");
  eq(new Set([1, 2]).union(new Set([3])).size, 3);
  eq([..."a1b2".matchAll(/[a-z](?<n>\d)/g)].map((m) => m.groups.n), ["1", "2"]);
  eq(Array.fromAsync !== undefined, true);
  eq(Promise.withResolvers !== undefined, true);
  eq([1, 2, 3].with(1, 9), [1, 9, 3]);
  eq(Iterator.from([1, 2, 3]).map((x) => x * 2).take(2).toArray(), [2, 4]);
  eq(RegExp.escape !== undefined, true);
  eq(Math.sumPrecise !== undefined, true);
  eq("\p{L}" !== "", true);
  eq(/^\p{Lu}/u.test("Ä"), true);
  eq("é".normalize("NFD").length, 2);
  eq((1234567.891).toLocaleString(), "1,234,567.891");
  eq("b".localeCompare("a"), 1);
  eq([..."👨‍👩‍👧"].length, 5);
  eq(structuredClone !== undefined, true);
  class A { static #x = 1; static has(o) { return #x in o; } } eq(A.has(A), true);
  eq(new Date("2026-01-02T03:04:05Z").toISOString(), "2026-01-02T03:04:05.000Z");
  let { a, ...rest } = { a: 1, b: 2 };
  eq(rest, { b: 2 });
  eq(null ?? 1, 1);
  let q = null;
  q ??= 5;
  eq(q, 5);
  eq(1_000, 1000);
  label: for (;;) { break label; }
});
t("using", () => {
  const r = Function('let log=[]; { using x = { [Symbol.dispose]() { log.push("d") } }; log.push("b") } return log');
  eq(r(), ["b", "d"]);
});
t("bigint json", async () => {
  eq((await thrown(() => JSON.stringify(1n)))?.name, "TypeError");
});
t("Intl", () => {
  if (typeof Intl !== "undefined") throw new Error("there");
});
t("globalThis keys", () => {
  eq(Object.keys(globalThis), []);
});
t("performance", () => {
  const a = performance.now();
  if (!(performance.now() >= a)) throw new Error("x");
  performance.mark?.("a");
  performance.timeOrigin.toFixed();
});
let bad = 0;
for (const [name, check] of tests) {
  try { await check(); } catch (error) { bad += 1; console.log(name, error); }
}
result = { tests: tests.length, bad };
