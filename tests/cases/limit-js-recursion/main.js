const attempt = (name, act) => {
  try { act(); console.log(name, "worked"); } catch (error) { console.log(name, error?.name); }
};
const deep = (n) => 1 + deep(n + 1);
attempt("function", () => deep(0));
attempt("getter", () => { const o = { get x() { return this.x; } }; return o.x; });
attempt("toString", () => { const o = { toString() { return `${this}`; } }; return `${o}`; });
attempt("proxy", () => { let p = {}; for (let n = 0; n < 1e5; n++) p = new Proxy(p, {}); return p.x; });
attempt("bind", () => { let f = () => 1; for (let n = 0; n < 1e5; n++) f = f.bind(null); return f(); });
attempt("sort", () => { const f = () => [2, 1].sort(f); return f(); });
attempt("replace", () => { const f = () => "x".replace("x", f); return f(); });
attempt("constructor", () => { class A { constructor() { new A(); } } return new A(); });
attempt("eval", () => { const f = () => eval("f()"); return f(); });
attempt("json", () => { let o = {}; for (let n = 0; n < 1e5; n++) o = [o]; return JSON.stringify(o); });
attempt("parse", () => JSON.parse("[".repeat(1e5)));
attempt("source", () => Function("return " + "(".repeat(1e5) + "1" + ")".repeat(1e5)));
attempt("source arrays", () => Function("return " + "[".repeat(1e5)));
attempt("regexp", () => new RegExp("(".repeat(1e5) + ")".repeat(1e5)));
attempt("clone", () => { let o = {}; for (let n = 0; n < 1e5; n++) o = { o }; return structuredClone(o); });
attempt("flat", () => { let o = []; for (let n = 0; n < 1e5; n++) o = [o]; return o.flat(Infinity); });
attempt("await", () => { const f = async () => f(); f().catch(() => {}); });
result = "still here";
