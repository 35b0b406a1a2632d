const tests = [];
const t = (name, check) => tests.push([name, check]);
const eq = (is, expected) => {
  const [a, b] = [JSON.stringify(is), JSON.stringify(expected)];
  if (a !== b) throw new Error(`${a} is not ${b}`);
};
const thrown = async (act) => { try { await act(); } catch (error) { return error; } };
t("random", async () => {
  const a = crypto.getRandomValues(new Uint8Array(16));
  if (a.every((x) => x === 0)) throw new Error("zeros");
  eq(crypto.getRandomValues(new Uint32Array(2)).length, 2);
  if (!/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(crypto.randomUUID())) throw new Error("uuid");
  eq((await thrown(() => crypto.getRandomValues(new Uint8Array(70000))))?.name, "QuotaExceededError");
  eq((await thrown(() => crypto.getRandomValues(new Float32Array(1))))?.name, "TypeMismatchError");
  eq((await thrown(() => crypto.getRandomValues([])))?.name, "TypeMismatchError");
});
t("digest", async () => {
  const d = await crypto.subtle.digest("SHA-256", new TextEncoder().encode("abc"));
  eq(new Uint8Array(d).toHex(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  eq((await crypto.subtle.digest({ name: "sha-512" }, new Uint8Array())).byteLength, 64);
  eq(new Uint8Array(await crypto.subtle.digest("SHA-1", new TextEncoder().encode("abc"))).toHex(), "a9993e364706816aba3e25717850c26c9cd0d89d");
});
t("hmac", async () => {
  const k = await crypto.subtle.importKey("raw", new TextEncoder().encode("key"), { name: "HMAC", hash: "SHA-256" }, false, ["sign", "verify"]);
  const s = await crypto.subtle.sign("HMAC", k, new TextEncoder().encode("The quick brown fox jumps over the lazy dog"));
  eq(new Uint8Array(s).toHex(), "f7bc83f430538424b13298e6aa6fb143ef4d59a14946175997479dbc2d1a3cd8");
  eq(await crypto.subtle.verify("HMAC", k, s, new TextEncoder().encode("The quick brown fox jumps over the lazy dog")), true);
});
t("generateKey", async () => {
  const e = await thrown(() => crypto.subtle.generateKey({ name: "AES-GCM", length: 256 }, true, ["encrypt"]));
  eq(e?.name, "NotSupportedError");
});
t("node crypto", async () => {
  const { createHash, createHmac, randomBytes, randomUUID } = require("crypto");
  eq(createHash("sha256").update("a").update("bc").digest("hex"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  eq(createHmac("sha256", "key").update("The quick brown fox jumps over the lazy dog").digest("hex").slice(0, 8), "f7bc83f4");
  eq(randomBytes(4).length, 4);
  eq(createHash("md5").update("a").digest("hex"), "0cc175b9c0f1b6a831c399e269772661");
  eq(createHash("sha1").update("abc").digest("hex"), "a9993e364706816aba3e25717850c26c9cd0d89d");
});
let bad = 0;
for (const [name, check] of tests) {
  try { await check(); } catch (error) { bad += 1; console.log(name, error); }
}
result = { tests: tests.length, bad };
