let sites = [];
Error.prepareStackTrace = (error, callSites) => { sites = callSites; return callSites; };
Error.stackTraceLimit = Infinity;

const target = {};
Error.captureStackTrace?.(target);
const stack = new Error("x").stack;
console.log("kind of stack:", Array.isArray(stack) ? "call sites" : typeof stack);

for (const site of Array.isArray(sites) ? sites : []) {
  for (const method of ["getThis", "getFunction", "getEvalOrigin", "getTypeName"]) {
    try {
      const value = site[method]?.();
      if (value !== undefined && value !== null) console.log(method, typeof value, value === globalThis);
    } catch (error) {
      console.log(method, error.name);
    }
  }
}

// The runner's own errors pass through the hook, too.
try {
  await bailiwick.files.readText("/etc/passwd");
} catch (error) {
  console.log(error.name, error.code);
}
const text = String(new Error("y").stack ?? "");
console.log("paths of the build:", /\/home\/|\/root\/|\/work\/|\/tmp\/|node_modules/.test(text));
Error.prepareStackTrace = () => { throw new Error("from the hook"); };
try { null.x; } catch (error) { console.log(typeof error.stack, error.name); }
