// QuickJS throws `null` when there is no room left even for the error.
const isFull = (error) => error === null || error.name === "InternalError";
function* endless() { for (;;) yield {}; }
const attempt = async (name, act) => {
  try { await act(); console.log(name, "worked"); } catch (error) { console.log(name, isFull(error)); }
};
await attempt("spread", () => [...endless()]);
await attempt("from", () => Array.from(endless()));
await attempt("arguments", () => Math.max(...endless()));
await attempt("set", () => new Set(endless()));
result = "goes on";
