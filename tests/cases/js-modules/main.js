import fs, { existsSync as there } from "node:fs";
import * as path from "path";
import {
  strict as assert,
} from "assert";
export * from "util";
export * as again from "util";
export { inspect } from "util";
export const name = path.join("a", "..", "b");
export default function main() {
  return typeof there;
}
const { setTimeout: wait } = await import("timers/promises");
for (const missing of ["lodash", "./other.js", "https://example.com/x.js", "child_process"]) {
  try { await import(missing); } catch (error) { console.log(error.code, error.message.split(":")[0]); }
}
assert.equal(fs.existsSync, there);
try { null.x } catch (error) { console.log(error.stack); }
result = { name, main: main(), waited: await wait(1, "yes"), meta: import.meta.url };
