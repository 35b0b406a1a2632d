const attempt = async (name, act) => {
  try { console.log(`${name}: ${String(await act())}`); } catch (error) { console.log(`${name}: ${error?.name} ${error?.code ?? ""}`.trimEnd()); }
};

const AsyncFunction = (async () => {}).constructor;
const GeneratorFunction = function* () {}.constructor;
const AsyncGeneratorFunction = async function* () {}.constructor;
const READ = "bailiwick.files.readText('/etc/passwd')";

await attempt("Function", () => Function(`return ${READ}`)());
await attempt("AsyncFunction", () => AsyncFunction(`return await ${READ}`)());
await attempt("GeneratorFunction", () => GeneratorFunction(`yield ${READ}`)().next().value);
await attempt("AsyncGeneratorFunction", async () => (await AsyncGeneratorFunction(`yield ${READ}`)().next()).value);
await attempt("eval", () => eval(READ));
await attempt("indirect eval", () => (0, eval)(READ));
await attempt("Reflect.construct", () => Reflect.construct(Function, [`return ${READ}`])());
await attempt("parameter injection", () => Function("a = typeof process", "return a")());
await attempt("comment injection", () => Function("/*", "*/){ return typeof require }//")());
await attempt("timer with text", () => new Promise((resolve) => { setTimeout("globalThis.ran = true", 0); setTimeout(() => resolve(globalThis.ran ?? "not run"), 5); }));
await attempt("tagged template", () => Function`return typeof process``x`);
await attempt("array map", () => ["return typeof require"].map(Function)[0]());
await attempt("replace", () => "return typeof module".replace(/.+/, eval.bind(null, "'replaced'")));
await attempt("toString lies", () => { const f = () => 1; f.toString = () => "native"; return eval(`(${f})`); });
