const tests = [];
const t = (name, check) => tests.push([name, check]);
const eq = (is, expected) => {
  const [a, b] = [JSON.stringify(is), JSON.stringify(expected)];
  if (a !== b) throw new Error(`${a} is not ${b}`);
};
const thrown = async (act) => { try { await act(); } catch (error) { return error; } };
t("timers order", async () => {
  const log = [];
  setTimeout(() => log.push("t10"), 10);
  setTimeout(() => log.push("t0"), 0);
  setTimeout(() => log.push("t0b"), 0);
  setImmediate(() => log.push("im"));
  queueMicrotask(() => log.push("micro"));
  Promise.resolve().then(() => log.push("then"));
  log.push("sync");
  await new Promise((r) => setTimeout(r, 20));
  eq(log.slice(0, 3), ["sync", "micro", "then"]);
  eq(log.at(-1), "t10");
  if (log.indexOf("t0") > log.indexOf("t0b")) throw new Error("order");
});
t("interval", async () => {
  let n = 0;
  await new Promise((r) => { const i = setInterval(() => { if (++n === 3) { clearInterval(i); r(); } }, 1); });
  eq(n, 3);
});
t("timer args", async () => {
  eq(await new Promise((r) => setTimeout((a, b) => r(a + b), 1, 2, 3)), 5);
});
t("clear before", async () => {
  let n = 0;
  const x = setTimeout(() => n++, 1);
  clearTimeout(x);
  await new Promise((r) => setTimeout(r, 5));
  eq(n, 0);
  clearTimeout(undefined);
  clearTimeout(999);
});
t("timers/promises", async () => {
  const { setTimeout: st } = require("timers/promises");
  eq(await st(1, "v"), "v");
});
t("abort", async () => {
  const c = new AbortController();
  let got;
  c.signal.addEventListener("abort", () => (got = c.signal.reason.name));
  c.abort();
  eq(got, "AbortError");
  eq((await thrown(() => fetch("https://a.b/", { signal: c.signal })))?.name, "AbortError");
  const s = AbortSignal.timeout(1);
  await new Promise((r) => setTimeout(r, 5));
  eq([s.aborted, s.reason.name], [true, "TimeoutError"]);
  eq(AbortSignal.any([s]).aborted, true);
});
let bad = 0;
for (const [name, check] of tests) {
  try { await check(); } catch (error) { bad += 1; console.log(name, error); }
}
result = { tests: tests.length, bad };
setTimeout(() => console.log("last"), 5);
