// The same as keys.py with `crypto.subtle`: keys of the host by name, and a key of the script's own for HMAC and HKDF.
//
//   bailiwick key create invoices/box --algorithm aes-256-gcm
//   bailiwick key create invoices/seal --algorithm p256
//   bailiwick key create invoices/root --algorithm hkdf-sha256
//   bailiwick run guest-examples/keys.js --policy policies/crypto-all.toml --as crypto-bot --input '{"number": "2026-0142"}'
const text = new TextEncoder();
const [box, seal, root] = ["box", "seal", "root"].map((name) => bailiwick.crypto.key(`invoices/${name}`));
const invoice = text.encode(JSON.stringify({ number: input.number, cents: 129900, id: crypto.randomUUID() }));

// The host makes the nonce and puts it in front: there is no `iv`.
const gcm = { name: "AES-GCM", additionalData: text.encode(input.number) };
const sealed = new Uint8Array(await crypto.subtle.encrypt(gcm, box, invoice));
const opened = new Uint8Array(await crypto.subtle.decrypt(gcm, box, sealed));
console.log("version", new DataView(sealed.buffer).getUint32(0), "adds", sealed.length - invoice.length, "bytes", opened.length === invoice.length);

const ecdsa = { name: "ECDSA", hash: "SHA-256" };
const signature = await crypto.subtle.sign(ecdsa, seal, sealed);
console.log("signature good:", await crypto.subtle.verify(ecdsa, seal, signature, sealed));
console.log("of another text:", await crypto.subtle.verify(ecdsa, seal, signature, invoice));

const attempts = {
  changed: () => crypto.subtle.decrypt(gcm, box, sealed.map((byte, at) => (at === sealed.length - 1 ? byte ^ 1 : byte))),
  "a nonce of one's own": () => crypto.subtle.encrypt({ ...gcm, iv: new Uint8Array(12) }, box, invoice),
  "a raw key": () => crypto.subtle.importKey("raw", new Uint8Array(32), "AES-GCM", false, ["encrypt"]),
  "another curve's hash": () => crypto.subtle.sign({ name: "ECDSA", hash: "SHA-384" }, seal, invoice),
  "key for something else": () => crypto.subtle.sign("Ed25519", box, invoice),
  "not granted": () => crypto.subtle.sign("Ed25519", bailiwick.crypto.key("reports/2026"), invoice),
};
for (const [what, attempt] of Object.entries(attempts)) {
  await attempt().then(() => console.log(what, "passed"), (error) => console.log(`${what}: ${error.name} ${error.code || ""}`.trim()));
}

// RFC 5869, appendix A.1, with a key that the script has; then one that the host derives and the script uses.
const bytes = (from, count) => Uint8Array.from({ length: count }, (_, at) => from + at);
const ikm = await crypto.subtle.importKey("raw", new Uint8Array(22).fill(0x0b), "HKDF", false, ["deriveBits"]);
const known = await crypto.subtle.deriveBits({ name: "HKDF", hash: "SHA-256", salt: bytes(0, 13), info: bytes(0xf0, 10) }, ikm, 336);
const hkdf = { name: "HKDF", hash: "SHA-256", salt: new Uint8Array(), info: text.encode("invoices") };
const mac = await crypto.subtle.deriveKey(hkdf, root, { name: "HMAC", hash: "SHA-256" }, false, ["sign", "verify"]);
const tag = await crypto.subtle.sign("HMAC", mac, invoice);
console.log("tag good:", await crypto.subtle.verify("HMAC", mac, tag, invoice), "of another:", await crypto.subtle.verify("HMAC", mac, tag, sealed));
result = { sealed: sealed.length, known: new Uint8Array(known).toHex().slice(0, 16) };
