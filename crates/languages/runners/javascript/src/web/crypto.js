// `crypto`: randomness and digests of the host, and the named keys that stay there. `bailiwick.crypto.key("ring/key")` names one.

import host from "bailiwick:host/crypto";
import { data, exactBuffer, text, view } from "../bytes.js";
import { ask, named, notSupported } from "../errors.js";
import { digest as checksum } from "../modules/digests.js";
import { define } from "./define.js";
import { CUSTOM } from "./inspect.js";

/** The most that the host gives at once. */
const RANDOM_BYTES = 65_536;
const HASHES = { "SHA-256": "sha256", "SHA-384": "sha384", "SHA-512": "sha512", "SHA3-256": "sha3-v256", "SHA3-384": "sha3-v384", "SHA3-512": "sha3-v512", BLAKE3: "blake3" };

/** At most 64 KiB of random bytes. */
export function randomBytes(length) {
    if (!(Number.isInteger(length) && length >= 0 && length <= RANDOM_BYTES)) throw named("QuotaExceededError", "at most 65,536 random bytes at once");
    return ask("crypto random", host.random, length);
}

/** A digest; `algorithm` in the spelling of the web. */
export function hash(algorithm, bytes) {
    const name = HASHES[String(algorithm).toUpperCase()];
    if (name === undefined) throw notSupported(`the digest \`${algorithm}\``);
    return ask("crypto hash", host.hash, name, bytes);
}

/** A key of the host, by name, or one whose bytes the script has. */
export class CryptoKey {
    #name;
    #bytes;
    constructor(token, { name, bytes, algorithm, usages = [] }) {
        if (token !== CryptoKey) throw new TypeError("a CryptoKey comes from bailiwick.crypto.key or crypto.subtle.importKey");
        this.#name = name;
        this.#bytes = bytes;
        define(this, { type: "secret", extractable: false, algorithm, usages });
    }
    static name(key) {
        if (typeof key === "string") return text(key);
        if (!(#name in key) || key.#name === undefined) throw notSupported("this operation with a key that the script brought");
        return key.#name;
    }
    static bytes(key) {
        return typeof key === "object" && key !== null && #bytes in key ? key.#bytes : undefined;
    }
    get name() {
        return this.#name;
    }
    [CUSTOM]() {
        return this.#name === undefined ? "CryptoKey {}" : `CryptoKey { name: '${this.#name}' }`;
    }
}
const keyName = CryptoKey.name;
const keyBytes = CryptoKey.bytes;
delete CryptoKey.name;
delete CryptoKey.bytes;
define(CryptoKey, { name: "CryptoKey" });

/** Names a key of the host. Whether there is one shows when it is used. */
export const key = (name) => new CryptoKey(CryptoKey, { name: text(name), algorithm: { name: "host" } });

export const operations = {
    hmac: (of, bytes) => ask(`crypto hmac ${keyName(of)}`, host.hmac, keyName(of), bytes),
    sign: (of, bytes) => ask(`crypto sign ${keyName(of)}`, host.sign, keyName(of), bytes),
    verify: (of, bytes, signature) => ask(`crypto verify ${keyName(of)}`, host.verify, keyName(of), bytes, signature),
    encrypt: (of, bytes, additional) => ask(`crypto encrypt ${keyName(of)}`, host.encrypt, keyName(of), bytes, additional),
    decrypt: (of, sealed, additional) => ask(`crypto decrypt ${keyName(of)}`, host.decrypt, keyName(of), sealed, additional),
    derive: (of, salt, info, length) => ask(`crypto derive ${keyName(of)}`, host.derive, keyName(of), salt, info, length),
};

/** RFC 2104 over a digest of the host, for keys that the script has. */
export function hmacWith(algorithm, secret, bytes) {
    const block = /512|384/.test(algorithm) ? 128 : 64;
    const short = secret.length > block ? hash(algorithm, secret) : secret;
    const pad = (value) => {
        const padded = new Uint8Array(block).fill(value);
        short.forEach((byte, at) => (padded[at] ^= byte));
        return padded;
    };
    const after = (first, second) => {
        const whole = new Uint8Array(first.length + second.length);
        whole.set(first);
        whole.set(second, first.length);
        return whole;
    };
    return hash(algorithm, after(pad(0x5c), hash(algorithm, after(pad(0x36), bytes))));
}

// --------------------------------------------------------------------------------------------------------------------------------- subtle

const algorithmName = (algorithm) => String(typeof algorithm === "object" && algorithm !== null ? algorithm.name : algorithm).toUpperCase();
const hashName = (algorithm) => String(algorithm?.hash?.name ?? algorithm?.hash ?? "SHA-256").toUpperCase();

function signature(algorithm, of, bytes) {
    const name = algorithmName(algorithm);
    const secret = keyBytes(of);
    if (name === "HMAC") return secret === undefined ? operations.hmac(of, bytes) : hmacWith(hashName(of.algorithm), secret, bytes);
    if (name === "ED25519") return operations.sign(of, bytes);
    if (name === "ECDSA") {
        if (hashName(algorithm) !== "SHA-256") throw notSupported("ECDSA with another hash than SHA-256");
        return operations.sign(of, bytes);
    }
    throw notSupported(`signing with \`${name}\``);
}

class SubtleCrypto {
    async digest(algorithm, bytes) {
        const name = algorithmName(algorithm);
        return exactBuffer(name === "SHA-1" ? checksum(name, data(bytes)) : hash(name, data(bytes)));
    }
    async sign(algorithm, of, bytes) {
        return exactBuffer(signature(algorithm, of, data(bytes)));
    }
    async verify(algorithm, of, mark, bytes) {
        const secret = keyBytes(of);
        if (secret === undefined) return operations.verify(of, data(bytes), data(mark, "the signature"));
        const good = signature(algorithm, of, data(bytes));
        const given = data(mark, "the signature");
        return equal(good, given);
    }
    async encrypt(algorithm, of, bytes) {
        if (algorithmName(algorithm) !== "AES-GCM") throw notSupported(`encrypting with \`${algorithmName(algorithm)}\``);
        if (algorithm.iv !== undefined) throw notSupported("a nonce of one's own: the host makes it and puts it in front, so that `iv`");
        return exactBuffer(operations.encrypt(of, data(bytes), data(algorithm.additionalData ?? "")));
    }
    async decrypt(algorithm, of, bytes) {
        if (algorithmName(algorithm) !== "AES-GCM") throw notSupported(`decrypting with \`${algorithmName(algorithm)}\``);
        return exactBuffer(operations.decrypt(of, data(bytes), data(algorithm.additionalData ?? "")));
    }
    async deriveBits(algorithm, of, bits) {
        if (algorithmName(algorithm) !== "HKDF") throw notSupported(`deriving with \`${algorithmName(algorithm)}\``);
        if (hashName(algorithm) !== "SHA-256") throw notSupported("HKDF with another hash than SHA-256");
        if (!(Number.isInteger(bits) && bits > 0 && bits % 8 === 0 && bits <= 512)) throw named("OperationError", "8 to 512 bits, in whole bytes");
        return exactBuffer(operations.derive(of, data(algorithm.salt ?? ""), data(algorithm.info ?? ""), bits / 8));
    }
    async importKey(format, bytes, algorithm, extractable, usages) {
        const name = algorithmName(algorithm);
        if (format !== "raw" || name !== "HMAC") throw notSupported("importing another key than a raw one for HMAC: the host's keys are named, as in bailiwick.crypto.key(\"ring/key\"), and this");
        return new CryptoKey(CryptoKey, { bytes: data(bytes).slice(), algorithm: { name, hash: { name: hashName(algorithm) } }, usages: [...usages] });
    }
    async generateKey() {
        throw notSupported("making a key: the operator makes them, and crypto.subtle.generateKey");
    }
    async exportKey() {
        throw notSupported("exporting a key");
    }
    async deriveKey() {
        throw notSupported("crypto.subtle.deriveKey");
    }
    async wrapKey() {
        throw notSupported("crypto.subtle.wrapKey");
    }
    async unwrapKey() {
        throw notSupported("crypto.subtle.unwrapKey");
    }
}

/** In time that does not depend on where they differ. */
export function equal(a, b) {
    if (a.length !== b.length) return false;
    let difference = 0;
    for (let at = 0; at < a.length; at += 1) difference |= a[at] ^ b[at];
    return difference === 0;
}

class Crypto {
    getRandomValues(array) {
        const bytes = view(array);
        const integers = /^(?:Big)?(?:Ui|I)nt/;
        if (bytes === undefined || !integers.test(array[Symbol.toStringTag] ?? "")) throw named("TypeMismatchError", "getRandomValues fills an array of integers");
        bytes.set(randomBytes(bytes.length));
        return array;
    }
    randomUUID() {
        const bytes = randomBytes(16);
        bytes[6] = (bytes[6] & 0x0f) | 0x40;
        bytes[8] = (bytes[8] & 0x3f) | 0x80;
        const hex = bytes.toHex();
        return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
    }
}

const crypto = new Crypto();
define(crypto, { subtle: new SubtleCrypto() });
define(globalThis, { crypto, Crypto, SubtleCrypto, CryptoKey });
