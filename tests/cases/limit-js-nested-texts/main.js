const attempt = (name, act) => {
  try { act(); console.log(name, "worked"); } catch (error) { console.log(name, error?.name); }
};
attempt("regexp", () => new RegExp("(".repeat(1e5) + ")".repeat(1e5)));
attempt("JSON", () => JSON.parse("[".repeat(1e4)));
result = "still here";
