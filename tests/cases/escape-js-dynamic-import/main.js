const SPECIFIERS = [
  "fs", "node:fs", "node:child_process", "std", "os", "bjson", "qjs:std", "qjs:os", "module", "process", "/etc/passwd", "file:///etc/passwd", "./evil.js", "/box/evil.js",
  "../canary.txt", "{{root}}/canary.txt", "http://127.0.0.1/evil.js", "https://evil.example/x.mjs", "data:text/javascript,export default 1",
  "blob:x", "bailiwick:host/files@0.1.0", "bailiwick:host/files", "wasi:filesystem/types@0.2.0", "wasi:cli/environment@0.2.0", "main.js", "./main.js", "", "\0", "a".repeat(10000),
];

for (const specifier of SPECIFIERS) {
  const shown = specifier.replace("{{root}}", "ROOT").slice(0, 50);
  try {
    const module = await import(specifier);
    console.log(shown, "->", Object.keys(module).join());
  } catch (error) {
    console.log(shown, "->", error?.name);
  }
}
try {
  const module = await import({ toString() { throw new RangeError("no text"); } });
} catch (error) {
  console.log(error.name);
}
try {
  await import("/box/seed.txt", { with: { type: "json" } });
} catch (error) {
  console.log(error.name);
}
console.log("imported:", globalThis.imported === true);
