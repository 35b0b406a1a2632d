const tests = [];
const t = (name, check) => tests.push([name, check]);
const eq = (is, expected) => {
  const [a, b] = [JSON.stringify(is), JSON.stringify(expected)];
  if (a !== b) throw new Error(`${a} is not ${b}`);
};
const thrown = async (act) => { try { await act(); } catch (error) { return error; } };
t("url", () => {
  const u = new URL("../x?y=1#z", "https://user:pw@example.com:8080/a/b/c");
  eq(u.href, "https://user:pw@example.com:8080/a/x?y=1#z");
  eq([u.protocol, u.host, u.hostname, u.port, u.pathname, u.search, u.hash, u.origin, u.username], ["https:", "example.com:8080", "example.com", "8080", "/a/x", "?y=1", "#z", "https://example.com:8080", "user"]);
  u.searchParams.append("ä", "b c");
  eq(u.search, "?y=1&%C3%A4=b+c");
  u.port = "443";
  eq(u.port, "");
  u.pathname = "/ü ?";
  eq(u.pathname, "/%C3%BC%20%3F");
  eq(URL.canParse("x"), false);
  eq(URL.parse("x"), null);
  eq(new URL("https://EXAMPLE.com./%7Efoo/../a").href, "https://example.com./a");
  eq(new URL("http://[::1]:80/").host, "[::1]");
  eq(new URL("https://münchen.de/").host, "xn--mnchen-3ya.de");
  eq(JSON.stringify({ u: new URL("a:b") }), '{"u":"a:b"}');
  eq(new URL("http://0x7f.1/").hostname, "127.0.0.1");
});
t("usp", () => {
  const p = new URLSearchParams({ a: "1", b: "2" });
  p.append("a", "3");
  p.sort();
  eq(p.toString(), "a=1&a=3&b=2");
  eq(p.getAll("a"), ["1", "3"]);
  eq(p.has("a", "3"), true);
  p.delete("a", "3");
  eq(p.size, 2);
  eq([...p.entries()], [["a", "1"], ["b", "2"]]);
  eq(new URLSearchParams("?x=%20+&y").get("x"), "  ");
  eq(new URLSearchParams([["k", "v"]]).toString(), "k=v");
});
t("textencoder", () => {
  eq([...new TextEncoder().encode("aä€😀")], [97, 195, 164, 226, 130, 172, 240, 159, 152, 128]);
  const b = new Uint8Array(3);
  eq(new TextEncoder().encodeInto("aä€", b), { read: 2, written: 3 });
  eq([...new TextEncoder().encode("\ud800")], [239, 191, 189]);
  eq(new TextEncoder().encode("ä".repeat(5000)).length, 10000);
  eq(new TextEncoder().encoding, "utf-8");
});
t("textdecoder", async () => {
  eq(new TextDecoder().decode(new Uint8Array([0xef, 0xbb, 0xbf, 0x61])), "a");
  eq(new TextDecoder().decode(new Uint8Array([0xff, 0x61])), "\ufffda");
  eq((await thrown(() => new TextDecoder("utf-8", { fatal: true }).decode(new Uint8Array([0xff]))))?.name, "TypeError");
  eq(new TextDecoder("latin1").decode(new Uint8Array([0xe4])), "ä");
  eq(new TextDecoder("utf-16le").decode(new Uint8Array([0x61, 0, 0xe4, 0])), "aä");
  const d = new TextDecoder();
  eq(d.decode(new Uint8Array([0xe2, 0x82]), { stream: true }) + d.decode(new Uint8Array([0xac])), "€");
  eq((await thrown(() => new TextDecoder("x-foo")))?.name, "RangeError");
  eq(new TextDecoder().decode(), "");
});
t("structuredClone", async () => {
  const o = { a: [1, { b: new Date(5) }], m: new Map([["k", new Set([1])]]), r: /x/gi, u: undefined, n: null, big: 10n, buf: new Uint8Array([1, 2]).buffer };
  o.self = o;
  const c = structuredClone(o);
  if (c.self !== c || c.a[1].b.getTime() !== 5 || !c.m.get("k").has(1) || c.r.flags !== "gi" || !("u" in c) || c.big !== 10n) throw new Error("bad");
  eq((await thrown(() => structuredClone(() => 1)))?.name, "DataCloneError");
  class P { x = 1; get y() { return 2; } } eq(structuredClone(new P()), { x: 1 });
  const e = structuredClone(new RangeError("m", { cause: 1 }));
  eq([e instanceof RangeError, e.message], [true, "m"]);
  const b = new ArrayBuffer(4);
  structuredClone(b, { transfer: [b] });
  eq(b.byteLength, 0);
  eq(Object.keys(structuredClone(Object.assign([1, , 3], { k: 1 }))), ["0", "2", "k"]);
  eq(structuredClone(new Float32Array([1.5]))[0], 1.5);
  eq((await thrown(() => structuredClone({ s: Symbol("x") })))?.name, "DataCloneError");
});
t("base64", async () => {
  eq(btoa("hé".slice(0, 1) + "é"), "aOk=");
  eq(atob("aGk="), "hi");
  eq((await thrown(() => btoa("€")))?.name, "InvalidCharacterError");
  eq((await thrown(() => atob("*")))?.name, "InvalidCharacterError");
});
t("events", () => {
  const e = new EventTarget();
  let n = 0;
  e.addEventListener("x", () => n++, { once: true });
  e.dispatchEvent(new Event("x"));
  e.dispatchEvent(new Event("x"));
  eq(n, 1);
  eq(new CustomEvent("a", { detail: 3 }).detail, 3);
});
t("buffer", () => {
  eq(Buffer.from("hi").toString("base64"), "aGk=");
  eq(Buffer.concat([Buffer.from("a"), Buffer.from("b")]).toString(), "ab");
  eq(Buffer.from("6869", "hex").toString(), "hi");
  eq(Buffer.alloc(2).length, 2);
  eq(Buffer.byteLength("ä"), 2);
});
t("DOMException", () => {
  const error = new DOMException("m", "AbortError");
  eq([error instanceof Error, Error.isError(error), String(error)], [true, true, "AbortError: m"]);
});
let bad = 0;
for (const [name, check] of tests) {
  try { await check(); } catch (error) { bad += 1; console.log(name, error); }
}
result = { tests: tests.length, bad };
