const hostile = new Proxy(function () {}, {
  get(target, name) {
    if (name === "message" || name === "stack" || name === "name") throw hostile;
    if (name === Symbol.toPrimitive) return () => { throw hostile; };
    return undefined;
  },
  getPrototypeOf: () => Error.prototype,
  has: () => { throw hostile; },
  ownKeys: () => { throw hostile; },
});
console.log("before");
try { console.log(hostile); } catch { console.log("console threw"); }
try { console.error("%s %o %d", hostile, hostile, hostile); } catch { console.log("console threw"); }
throw hostile;
