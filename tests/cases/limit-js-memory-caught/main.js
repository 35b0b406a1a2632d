const attempt = (name, act) => {
  try { act(); console.log(name, "worked"); } catch (error) { console.log(name, error instanceof Error, error?.name); }
};
attempt("text", () => "a".repeat(2 ** 31));
attempt("longer", () => "a".repeat(2 ** 29));
attempt("buffer", () => new ArrayBuffer(2 ** 33));
attempt("smaller buffer", () => new ArrayBuffer(2 ** 27));
attempt("typed", () => new Float64Array(2 ** 28));
attempt("array", () => new Array(2 ** 31).fill(0));
attempt("length", () => { const a = [1]; a.length = 2 ** 32; });
attempt("join", () => new Array(2 ** 24).join("xxxxxxxx"));
attempt("from", () => Array.from({ length: 2 ** 25 }, (_, n) => [n]));
attempt("json", () => JSON.stringify(new Array(2 ** 22).fill("xxxxxxxxxxxxxxxx")));
attempt("pad", () => "x".padEnd(2 ** 30));
attempt("replace", () => "x".repeat(1e6).replace(/x/g, "y".repeat(1e3)));
attempt("small", () => new Uint8Array(1000));
result = "goes on";
