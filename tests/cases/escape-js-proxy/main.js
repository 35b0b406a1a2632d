const { log } = console;
const GOOD = "http://127.0.0.1:{{port}}/hello", BAD = "http://127.0.0.1:{{port}}/secret";

/** Says the good thing `n` times, then the bad one. */
const shifting = (n, good, bad) => {
  let asked = 0;
  const say = () => (asked++ < n ? good : bad);
  return { toString: say, valueOf: say, [Symbol.toPrimitive]: say, get href() { return say(); }, get url() { return say(); }, get length() { return say().length; } };
};
const ask = async (label, act) => {
  try { log(label, await act()); } catch (error) { log(label, error?.name, error?.code ?? ""); }
};

for (let n = 0; n < 4; n++) {
  await ask(`fetch ${n}`, async () => (await fetch(shifting(n, GOOD, BAD))).text());
  await ask(`path ${n}`, () => bailiwick.files.readText(shifting(n, "/box/seed.txt", "{{root}}/canary.txt")));
}

const liar = (real, answers) => new Proxy(real, {
  get: (target, name, receiver) => (name in answers ? answers[name]() : Reflect.get(target, name, target)),
  getPrototypeOf: () => URL.prototype,
  has: () => true,
});
await ask("a proxy of a URL", async () => (await fetch(liar(new URL(GOOD), { href: () => BAD, toString: () => () => BAD }))).text());
await ask("a proxy of a Request", async () => (await fetch(liar(new Request(GOOD), { url: () => BAD }))).text());
await ask("a changed Request", async () => {
  const request = new Request(GOOD);
  Object.defineProperty(request, "url", { get: () => BAD });
  return (await fetch(request)).text();
});
await ask("options that change", async () => {
  let asked = 0;
  return (await fetch(GOOD, { get method() { return asked++ ? "DELETE" : "GET"; } })).status;
});
await ask("headers that change", async () => (await fetch(GOOD, { headers: { *[Symbol.iterator]() { yield ["host", "evil"]; } } })).text());
await ask("a String that is not one", () => bailiwick.files.readText(Object.assign(new String("/box/seed.txt"), { toString: () => "/etc/passwd" })));
await ask("a revoked proxy", () => { const { proxy, revoke } = Proxy.revocable({}, {}); revoke(); return bailiwick.files.readText(proxy); });
