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
attempt("await", () => { const f = async () => f(); f().catch(() => {}); });
result = "still here";
