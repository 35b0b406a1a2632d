// Evaluates each expression of the table; the second member is the name of the error that it must throw, or `null` for none.

import fs from "node:fs";
import nodeCrypto from "node:crypto";

const { files, kv, sql, crypto: named, call } = bailiwick;
Object.assign(globalThis, { files, kv, sql, named, call, fs, nodeCrypto, large: new Uint8Array(9 << 20), long: "x".repeat(9 << 20) });

let wrong = 0;
for (const [expression, expected] of input) {
  let thrown = null;
  let said = "";
  try {
    await (0, eval)(`(async () => (${expression}))()`);
  } catch (error) {
    thrown = error?.name;
    said = `: ${String(error?.message).replace(/\s+/g, " ").slice(0, 240)}`;
  }
  const mark = thrown === expected ? "" : `WRONG, not ${expected}: `;
  if (mark) wrong += 1;
  console.log(`${mark}${expression} -> ${thrown}${said}`);
}
result = { rows: input.length, wrong };
