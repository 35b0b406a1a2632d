const attempt = (name, act) => {
  try { console.log(`${name}: ${String(act())}`); } catch (error) { console.log(`${name}: ${error?.name}`); }
};

attempt("function", () => structuredClone(() => 1));
attempt("nested function", () => structuredClone({ f: fetch }));
attempt("symbol", () => structuredClone(Symbol("x")));
attempt("getter", () => { let ran = 0; structuredClone({ get x() { return ++ran; } }); return ran; });
attempt("throwing getter", () => structuredClone({ get x() { throw new RangeError("mine"); } }));
attempt("proxy", () => structuredClone(new Proxy({ a: 1 }, { ownKeys: () => ["a", "b"], getOwnPropertyDescriptor: () => ({ value: 2, configurable: true, enumerable: true }) })).a);
attempt("prototype", () => structuredClone(Object.create({ inherited: 1 })).inherited);
attempt("__proto__", () => { const clone = structuredClone(JSON.parse('{"__proto__": {"x": 1}}')); return `${clone.x} ${{}.x}`; });
attempt("class", () => structuredClone(new (class Secret { #hidden = 1; open = 2; })()).constructor === Object);
attempt("error", () => { const clone = structuredClone(Object.assign(new TypeError("m"), { code: "allow" })); return `${clone.name} ${clone.message}`; });
attempt("regexp", () => structuredClone(/a/gi).flags);
attempt("map of itself", () => { const map = new Map(); map.set(map, map); return structuredClone(map).size; });
attempt("transfer", () => { const buffer = new ArrayBuffer(8); structuredClone(buffer, { transfer: [buffer] }); return buffer.byteLength; });
attempt("transfer of nothing", () => structuredClone(1, { transfer: [{}] }));
attempt("array length", () => structuredClone(Object.assign([], { length: 2 ** 31 })).length);
attempt("weak", () => structuredClone(new WeakMap()));
attempt("global", () => typeof structuredClone(globalThis));
