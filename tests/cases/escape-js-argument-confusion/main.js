const ODD = [
  undefined, null, true, -1, 0, 0.5, NaN, Infinity, 2 ** 53, 2 ** 64, 10n, 2n ** 70n, "", "x".repeat(5000), "\ud800", Symbol("s"), {}, [], [[]], () => 1, new Date(NaN), /x/, new Map(),
  new Uint8Array(0), new Float64Array([NaN]), new ArrayBuffer(3), new DataView(new ArrayBuffer(1)), Object.create(null), new Proxy({}, {}), globalThis,
];
const kinds = new Set();
let calls = 0;
const groups = { files: bailiwick.files, crypto: bailiwick.crypto, subtle: crypto.subtle, web: { fetch } };
for (const [group, functions] of Object.entries(groups)) {
  const names = new Set([...Object.getOwnPropertyNames(functions), ...(group === "subtle" ? ["digest", "sign", "verify", "importKey"] : [])]);
  for (const name of names) {
    if (typeof functions[name] !== "function" || name === "constructor") continue;
    for (const odd of ODD) {
      for (const list of [[odd], ["/box/nothing", odd], ["/box/nothing", "x", odd]]) {
        if (calls > 900) break;
        try {
          calls++;
          await functions[name](...list);
        } catch (error) {
          kinds.add(typeof error === "object" && error instanceof Error ? "an Error" : `thrown ${typeof error}`);
        }
      }
    }
  }
}
console.log(calls > 300, [...kinds].join());
console.log((await bailiwick.files.readText("/box/seed.txt")).trim());
