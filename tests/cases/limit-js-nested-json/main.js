const attempt = (name, act) => {
  try { console.log(name, act()); } catch (error) { console.log(name, error.name); }
};
const nest = (depth) => {
  let data = [];
  for (let level = 0; level < depth; level++) data = [data];
  return data;
};
attempt("parse lists", () => JSON.parse("[".repeat(1e5) + "]".repeat(1e5)));
attempt("parse objects", () => JSON.parse('{"a":'.repeat(1e5) + "1" + "}".repeat(1e5)));
attempt("parse some", () => JSON.parse("[".repeat(1e4) + "]".repeat(1e4)).length);
attempt("stringify some", () => JSON.stringify(nest(1e4)).length);
attempt("flat", () => nest(1e5).flat(Infinity).length);
attempt("String", () => String(nest(1e5)));
attempt("structuredClone", () => structuredClone(nest(1e5)).length);
attempt("console", () => console.dir(nest(1e5), { depth: Infinity }));
result = "still here";
