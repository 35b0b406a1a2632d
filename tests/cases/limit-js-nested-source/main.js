const attempt = (name, act) => {
  try { act(); console.log(name, "worked"); } catch (error) { console.log(name, error.name); }
};
const source = (open, inner, close, count = 1e5) => () => Function(`return ${open.repeat(count)}${inner}${close.repeat(count)}`);
attempt("parentheses", source("(", "1", ")"));
attempt("lists", source("[", "1", "]"));
attempt("members", source("a[", "1", "]"));
attempt("calls", source("a(", "1", ")"));
attempt("functions", source("function(){return ", "1", "}", 1e4));
attempt("templates", source("`${", "1", "}`", 1e4));
attempt("unary", source("!", "1", ""));
attempt("typeof", source("typeof ", "1", ""));
attempt("powers", source("1**", "1", ""));
attempt("conditions", source("1?", "1", ":1"));
attempt("assignments", source("a=", "1", ""));
attempt("imports", source("import(", "1", ")"));
attempt("blocks", () => Function("{".repeat(1e5) + "}".repeat(1e5)));
attempt("ifs", () => Function("if(1)".repeat(1e5) + ";"));
attempt("groups", () => new RegExp("(?:".repeat(1e5) + ")".repeat(1e5)));
attempt("classes", () => new RegExp("[".repeat(1e5) + "]".repeat(1e5), "v"));
attempt("eval", () => (0, eval)("(".repeat(1e5)));
result = "still here";
