const url = new URL("https://shop.example:8443/a/../search%20me?q=caf%C3%A9&tag=a&tag=b#top");
url.searchParams.append("page", "2 of 3");
const query = Object.fromEntries([...url.searchParams.keys()].map((key) => [key, url.searchParams.getAll(key)]));
console.log(url.host, url.pathname, url.hash, new URL("../x?y#z", "https://h.example/a/b/c").href);

const routes = [
  [/^\/orders\/(?<id>[A-Z]{3}-\d{4})$/u, "order"],
  [/^\/(?<lang>[a-z]{2})\/news(?:\/(?<year>\d{4}))?$/, "news"],
];
const route = (path) => {
  for (const [pattern, name] of routes) {
    const groups = pattern.exec(path)?.groups;
    if (groups) return { name, ...groups };
  }
  return { name: "none" };
};
const found = ["/orders/ORD-0042", "/fi/news", "/fi/news/2026", "/orders/42"].map(route);

const prices = "€12.50, $7, €1,099.00".match(/(?<=€)[\d,.]*\d/g).map((text) => Number(text.replaceAll(",", "")));

const bytes = new TextEncoder().encode("naïve 🚢");
const text = new TextDecoder("utf-8").decode(bytes.slice(0, -1));
const original = { when: new Date(0), map: new Map([["k", new Set([1, 2])]]), list: new Uint8Array([1, 2, 3]) };
original.self = original;
const clone = structuredClone(original);
console.log(clone.self === clone, clone.map.get("k").has(2), clone.when.getTime(), clone.list !== original.list);

const reads = new WeakMap();
const watched = new Proxy({ a: 1, b: { c: 2 } }, {
  get(target, name, receiver) {
    reads.set(target, (reads.get(target) ?? 0) + 1);
    return Reflect.get(target, name, receiver);
  },
  has: (target, name) => !String(name).startsWith("_") && name in target,
});
void (watched.a + watched.b.c);
console.log("a" in watched, "_a" in watched);

const { a, ...rest } = { a: 1, b: 2, c: 3 };
const deep = { user: { roles: null } };
result = { query, found, prices, bytes: bytes.length, end: text.codePointAt(text.length - 1), rest, role: deep.user?.roles?.[0] ?? "none" };
