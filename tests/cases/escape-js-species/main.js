const ask = async (label, act) => {
  try { console.log(label, String(await act())); } catch (error) { console.log(label, error?.name, error?.code ?? ""); }
};

class Bytes extends Uint8Array {
  static get [Symbol.species]() { return class { constructor() { return new Array(1e9); } }; }
  get length() { return 2 ** 40; }
  get byteLength() { return 2 ** 40; }
  get buffer() { return new ArrayBuffer(0); }
  *[Symbol.iterator]() { for (;;) yield "x"; }
}
await ask("typed array", () => bailiwick.files.write?.("/box/a", new Bytes([97, 98])));
await ask("array-like", () => bailiwick.files.write?.("/box/b", { length: 2 ** 32, 0: 97 }));
await ask("numbers out of range", () => bailiwick.files.write?.("/box/c", [300, -1, NaN, "x", {}]));
await ask("resizable", () => {
  const buffer = new ArrayBuffer(8, { maxByteLength: 64 });
  const view = new Uint8Array(buffer);
  return bailiwick.files.write?.("/box/d", { get length() { buffer.resize(0); return 8; }, [Symbol.iterator]: () => view[Symbol.iterator]() });
});
await ask("detached", () => {
  const bytes = new Uint8Array([1, 2, 3]);
  (bytes.buffer.transfer ?? (() => structuredClone(bytes.buffer, { transfer: [bytes.buffer] }))).call(bytes.buffer);
  return bailiwick.files.write?.("/box/e", bytes);
});
await ask("random of a lie", () => crypto.getRandomValues(new Bytes(4)).constructor.name);
await ask("random of floats", () => crypto.getRandomValues(new Float64Array(4)).length);
await ask("random of much", () => crypto.getRandomValues(new Uint8Array(1 << 20)).length);
await ask("digest of a lie", async () => (await crypto.subtle.digest("SHA-256", new Bytes([1]))).byteLength);
await ask("decode of a lie", () => new TextDecoder().decode(new Bytes([104, 105])));
await ask("seed", () => bailiwick.files.readText("/box/seed.txt"));
