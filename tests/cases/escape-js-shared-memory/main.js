const told = [];
if (typeof SharedArrayBuffer === "function" && typeof Atomics === "object") {
  const cell = new Int32Array(new SharedArrayBuffer(16));
  try {
    told.push(Atomics.wait(cell, 0, 0, 5));
  } catch (error) {
    told.push(error.name);
  }
  try {
    told.push(String(Atomics.notify(cell, 0)));
  } catch (error) {
    told.push(error.name);
  }
  try {
    new SharedArrayBuffer(16, { maxByteLength: 2 ** 40 });
    told.push("grew");
  } catch (error) {
    told.push(error.name);
  }
} else {
  told.push("absent");
}
console.log("nobody waits for ever:", told.length > 0);
console.log("a finer clock:", typeof performance === "object" && performance.now() >= 0);
result = told.every((text) => typeof text === "string");
