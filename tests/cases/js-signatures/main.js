const encoder = new TextEncoder();
const hex = (bytes) => Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, "0")).join("");

async function sha256(text) {
  return hex(await crypto.subtle.digest("SHA-256", encoder.encode(text)));
}

const digest = await sha256("abc");
if (digest !== "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad") throw new Error("not SHA-256");

const bytes = crypto.getRandomValues(new Uint8Array(32));
const other = crypto.getRandomValues(new Uint8Array(32));
console.log(bytes.length, hex(bytes) !== hex(other), /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(crypto.randomUUID()));

// base64url, as JSON web tokens have it.
const url64 = (text) => btoa(String.fromCharCode(...encoder.encode(text))).replace(/[+/=]/g, (c) => ({ "+": "-", "/": "_", "=": "" })[c]);
const head = url64(JSON.stringify({ alg: "HS256", typ: "JWT" }));
const claims = url64(JSON.stringify({ sub: "Zoë", exp: 1_790_000_000 }));
const back = JSON.parse(new TextDecoder().decode(Uint8Array.from(atob(claims.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0))));
console.log(`${head}.${claims}`, back.sub);

const key = "webhooks/shop";
const message = encoder.encode(input.payload);
const tag = await bailiwick.crypto.hmac(key, message);
const changed = encoder.encode(input.payload.replace("19.90", "99.90"));
console.log(await bailiwick.crypto.verify(key, message, tag), await bailiwick.crypto.verify(key, changed, tag));

try {
  await bailiwick.crypto.hmac("other/key", message);
} catch (error) {
  console.log(error.name, error.code);
}

result = { digest, payload: await sha256(input.payload), tag: hex(tag) };
