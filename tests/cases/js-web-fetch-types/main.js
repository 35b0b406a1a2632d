const tests = [];
const t = (name, check) => tests.push([name, check]);
const eq = (is, expected) => {
  const [a, b] = [JSON.stringify(is), JSON.stringify(expected)];
  if (a !== b) throw new Error(`${a} is not ${b}`);
};
const thrown = async (act) => { try { await act(); } catch (error) { return error; } };
t("headers", () => {
  const h = new Headers({ "A-b": "1" });
  h.append("a-B", "2");
  eq(h.get("A-B"), "1, 2");
  eq([...h], [["a-b", "1, 2"]]);
  h.delete("a-b");
  eq(h.has("a-b"), false);
  h.set("x", 5);
  eq([...h.keys()], ["x"]);
  eq(new Headers([["q","1"]]).get("Q"), "1");
  eq(new Headers(h).get("x"), "5");
  h.append("set-cookie", "a=1");
  h.append("set-cookie", "b=2");
  eq(h.getSetCookie(), ["a=1", "b=2"]);
});
t("headers bad", async () => {
  eq((await thrown(() => new Headers({ "a b": "1" })))?.name, "TypeError");
  eq((await thrown(() => new Headers({ a: "x\ny" })))?.name, "TypeError");
});
t("request", async () => {
  const r = new Request("https://example.com/a", { method: "post", body: JSON.stringify({ a: 1 }), headers: { "content-type": "application/json" } });
  eq([r.method, r.url, r.headers.get("content-type")], ["POST", "https://example.com/a", "application/json"]);
  eq(await r.clone().json(), { a: 1 });
  eq(await r.text(), '{"a":1}');
  eq(r.bodyUsed, true);
  eq((await thrown(() => r.text()))?.name, "TypeError");
});
t("request get body", async () => {
  eq((await thrown(() => new Request("https://a.b/", { body: "x" })))?.name, "TypeError");
});
t("request from request", async () => {
  const a = new Request("https://a.b/", { headers: { x: "1" } });
  const b = new Request(a, { method: "PUT" });
  eq([b.method, b.headers.get("x")], ["PUT", "1"]);
});
t("relative url", async () => {
  eq((await thrown(() => new Request("/a")))?.name, "TypeError");
  eq((await thrown(() => fetch("/a")))?.name, "TypeError");
});
t("response", async () => {
  const r = new Response("hi", { status: 201, statusText: "Created", headers: { x: "y" } });
  eq([r.status, r.ok, r.statusText, r.headers.get("x"), r.type], [201, true, "Created", "y", "default"]);
  eq(await r.text(), "hi");
  eq(await Response.json({ a: 1 }).json(), { a: 1 });
  eq(Response.json({}).headers.get("content-type"), "application/json");
  eq(Response.error().type, "error");
  eq(Response.redirect("https://a.b/", 301).status, 301);
  const c = new Response("z");
  const d = c.clone();
  eq([await c.text(), await d.text()], ["z", "z"]);
  eq([...new Uint8Array(await new Response(new Uint8Array([1, 2])).arrayBuffer())], [1, 2]);
  eq((await new Response("x").blob()).size, 1);
  eq([...(await new Response("ab").bytes())], [97, 98]);
  const f = new URLSearchParams("a=1&b=2");
  eq(await new Response(f).text(), "a=1&b=2");
});
t("formdata", async () => {
  const f = new FormData();
  f.append("a", "1");
  f.append("a", "2");
  f.set("b", new Blob(["x"], { type: "text/plain" }), "n.txt");
  eq(f.getAll("a"), ["1", "2"]);
  eq(f.get("b").name, "n.txt");
  const r = new Request("https://a.b/", { method: "POST", body: f });
  const ct = r.headers.get("content-type");
  if (!/^multipart\/form-data; boundary=/.test(ct)) throw new Error(ct);
  const text = await r.text();
  if (!text.includes('name="b"; filename="n.txt"')) throw new Error(text);
});
t("response formData", async () => {
  const f = await new Response(new URLSearchParams("a=1")).formData();
  eq(f.get("a"), "1");
});
t("response body", async () => {
  const r = new Response("abc");
  if (r.body !== null) { const rd = r.body.getReader(); const { value, done } = await rd.read(); eq([done, value.length], [false, 3]); } else throw new Error("null body");
});
t("for await body", async () => {
  let n = 0;
  for await (const c of new Response("abc").body) n += c.length;
  eq(n, 3);
});
let bad = 0;
for (const [name, check] of tests) {
  try { await check(); } catch (error) { bad += 1; console.log(name, error); }
}
result = { tests: tests.length, bad };
