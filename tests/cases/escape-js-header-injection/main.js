const URL_ = "http://127.0.0.1:{{port}}/echo";
const show = async (act) => {
  try { return await act(); } catch (error) { return error?.code ?? error?.name; }
};
const lines = async (options) => JSON.stringify((await (await fetch(URL_, options)).text()).split("\n").filter((line) => /evil/i.test(line)));

const CASES = {
  value: { "X-Note": "a\r\nX-Evil: 1" }, "bare line feed": { "X-Note": "a\nX-Evil: 1" }, name: { "X-Note\r\nX-Evil": "1" }, colon: { "X-Evil: 1\r\nX": "1" }, null: { "X-Note": "a\0evil" },
  unicode: { "X-Note": "a\u010d\u010aX-Evil: 1" }, latin1: { "X-Note": "\u00e9vil evil" }, host: { Host: "evil.example" }, length: { "Content-Length": "0", "X-Note": "evil" },
  chunked: { "Transfer-Encoding": "chunked", "X-Note": "evil" }, connection: { Connection: "evil" }, upgrade: { Upgrade: "evil" }, forwarded: { "X-Forwarded-For": "evil" },
  authorization: { Authorization: "Bearer evil" }, cookie: { Cookie: "evil=1" }, empty: { "": "evil" }, spaced: { "X Note": "evil" }, many: Object.fromEntries(Array.from({ length: 500 }, (_, n) => [`X-Note-${n}`, "evil"])),
  long: { "X-Note": "evil".repeat(10_000) }, allowed: { "X-Note": "evil but well-formed" },
};
for (const [name, headers] of Object.entries(CASES)) {
  const one = await show(() => lines({ headers })), two = await show(() => lines({ headers: Object.entries(headers) })), three = await show(() => lines({ headers: new Headers(headers) }));
  console.log(name, ...new Set([one, two, three]));
}
for (const method of ["GET\r\nX-Evil: 1", "GET /evil HTTP/1.1\r\nX:", "TRACE", "CONNECT", "get", "EVIL", "", "GET\u0000"]) console.log(JSON.stringify(method), await show(() => lines({ method })));
console.log("body on GET", await show(() => lines({ method: "GET", body: "evil" })));
const headers = new Headers();
console.log(await show(async () => { headers.append("X-Note", "a\r\nevil: 1"); return "appended"; }), await show(async () => { headers.set("a b", "c"); return "set"; }), [...headers].length);
