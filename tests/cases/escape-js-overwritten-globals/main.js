const { log } = console;
const originals = { fetch, files: bailiwick.files, crypto: bailiwick.crypto };
globalThis.fetch = async () => ({ status: 200, text: async () => "forged" });
globalThis.console = { log() {} };
try { globalThis.bailiwick = { files: { readText: () => "forged" } }; } catch (error) { log(error.name); }
try { Object.assign(originals.files, { readText: () => "forged" }); } catch (error) { log("files", error.name); }
log(await (await fetch("http://169.254.169.254/")).text());

const ask = async (label, act) => {
  try { log(label, String(await act())); } catch (error) { log(label, error?.name, error?.code ?? ""); }
};
await ask("original fetch", () => originals.fetch("http://169.254.169.254/"));
await ask("bound", () => originals.fetch.bind({ allowed: true })("http://10.0.0.1/"));
await ask("with another this", () => Reflect.apply(originals.fetch, Object.create(null), ["http://10.0.0.1/"]));
for (const [name, method] of Object.entries(originals.files)) {
  if (typeof method !== "function") continue;
  await ask(`files.${name}`, () => method.call({}, "/etc/passwd", "/planted.txt"));
  await ask(`files.${name} climbing`, () => method("/box/../canary.txt", "/planted.txt"));
}
for (const [name, method] of Object.entries(originals.crypto)) {
  if (typeof method === "function") await ask(`crypto.${name}`, () => method("other/key", new Uint8Array(4), new Uint8Array(64), 16));
}
