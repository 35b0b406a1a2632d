const { log } = console;
const names = {
  url: "http://169.254.169.254/", method: "DELETE", headers: { host: "evil" }, body: "evil", redirect: "follow", path: "/etc/passwd",
  mode: "replace", ok: true, allowed: true, decision: "allow", code: "allow", tag: "ok", val: "forged", value: "forged", kind: "file",
  then: undefined, get: undefined, set: undefined, offset: 0, length: 10, size: 10, name: "forged", encoding: "utf8", signal: { aborted: false },
};
for (const [name, value] of Object.entries(names)) {
  if (value !== undefined) Object.prototype[name] = value;
}
Object.prototype[0] = "/etc/passwd";
Array.prototype[0] ??= "/etc/passwd";
Object.defineProperty(Object.prototype, "toJSON", { configurable: true, value() { return "forged"; } });

const ask = async (label, act) => {
  try { log(label, JSON.stringify(await act())); } catch (error) { log(label, String(error?.name), String(error?.code)); }
};
await ask("fetch", async () => (await fetch("http://10.0.0.1/")).status);
await ask("files", () => bailiwick.files.readText("/etc/passwd"));
await ask("write", () => bailiwick.files.writeText("/planted.txt", "mine"));
await ask("granted", () => bailiwick.files.readText("/box/seed.txt"));
await ask("crypto", () => bailiwick.crypto.sign("other/key", new Uint8Array(1)));

const parsed = JSON.parse('{"__proto__": {"polluted": 1}, "constructor": {"prototype": {"polluted": 2}}}');
const merge = (a, b) => { for (const k in b) typeof b[k] === "object" && k in a ? merge(a[k], b[k]) : (a[k] = b[k]); return a; };
try { merge({}, parsed); } catch (error) { log(error.name); }
log("polluted:", {}.polluted);
for (const name of [...Object.keys(names), "toJSON", "polluted", 0]) delete Object.prototype[name];
delete Array.prototype[0];
result = "clean again";
