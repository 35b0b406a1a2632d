function* endless() { for (;;) yield {}; }
const attempt = async (name, act) => {
  try { await act(); console.log(name, "worked"); } catch (error) { console.log(name, error?.name ?? typeof error); }
};
await attempt("spread", () => [...endless()]);
await attempt("from", () => Array.from(endless()));
await attempt("arguments", () => Math.max(...endless()));
await attempt("set", () => new Set(endless()));
result = "goes on";
