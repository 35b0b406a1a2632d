const attempt = (name, act) => {
  try { console.log(`${name}: ${String(act())}`); } catch (error) { console.log(`${name}: ${error?.name}`); }
};

const sloppy = Function("return arguments.callee");
attempt("callee", () => sloppy() === sloppy);
attempt("caller of sloppy", () => { const f = Function("return arguments.callee.caller"); return typeof f(); });
attempt("Function.caller", () => { function f() { return f.caller; } return typeof f(); });
attempt("arguments of a caller", () => { function f() { return f.caller.arguments; } return typeof f(); });
attempt("from a callback", () => { let seen; [1].sort(function f() { seen = f.caller; return 0; }); [1, 2].map(function g() { seen = g.caller; }); return typeof seen; });
attempt("from a getter of the runner", () => {
  let seen = "nobody asked";
  try { new Request({ get [Symbol.toPrimitive]() { seen = typeof arguments.callee.caller; return () => "x:"; } }); } catch { /* not a URL */ }
  return seen;
});
attempt("with", () => Function("with (globalThis) { return typeof process }")());
attempt("with a proxy", () => {
  const names = new Set();
  const watch = new Proxy({}, { has: (_, name) => (names.add(String(name)), false) });
  Function("w", "with (w) { try { return secret } catch { return 1 } }")(watch);
  return [...names].join();
});
for (const name of ["source", "runner", "host", "bindings", "files", "execute", "exports", "send", "__cqjs", "wit", "imports", "grant", "policy"]) {
  attempt(`name ${name}`, () => eval(`typeof ${name}`));
}
attempt("this of a function", () => Function("return this === globalThis")());
attempt("new.target", () => eval("new.target"));
