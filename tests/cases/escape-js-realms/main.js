const attempt = async (name, act) => {
  try { console.log(`${name}: ${String(await act())}`); } catch (error) { console.log(`${name}: ${error?.name}`); }
};

await attempt("ShadowRealm", () => new ShadowRealm().evaluate("typeof process"));
await attempt("Realm", () => new Realm().evaluate("1"));
await attempt("Compartment", () => new Compartment({}).evaluate("1"));
await attempt("$262", () => $262.createRealm().evalScript("1"));
await attempt("iframe", () => document.createElement("iframe").contentWindow);
await attempt("vm", async () => (await import("vm")).runInNewContext("1"));
await attempt("worker", () => new Worker("data:text/javascript,postMessage(1)"));
await attempt("evalScript", () => std.evalScript("1"));
await attempt("newTarget realm", () => Reflect.construct(Array, [], new Proxy(function () {}, {})) instanceof Array);
await attempt("bound constructor", () => Reflect.construct(Function.bind.call(Date), []) instanceof Date);
await attempt("callSite realm", () => { try { null(); } catch (error) { return error.constructor === TypeError; } });
await attempt("generator prototype", () => Object.getPrototypeOf(function* () {}).constructor("return typeof process")().next().value);
