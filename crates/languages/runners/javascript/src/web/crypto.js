// `crypto`: randomness and digests of the host, and the named keys that stay there. `bailiwick.crypto.key("ring/key")` names one.

import host from "bailiwick:host/crypto";
import { data, exactBuffer, kindOf, text, view, words } from "../bytes.js";
import { ask, named, notSupported } from "../errors.js";
import { digest as checksum } from "../modules/digests.js";
import { define } from "./define.js";
import { CUSTOM } from "./inspect.js";

/** The most that the host gives at once. */
const RANDOM_BYTES = 65_536;
const HASHES = { "SHA-256": "sha256", "SHA-384": "sha384", "SHA-512": "sha512", "SHA3-256": "sha3-v256", "SHA3-384": "sha3-v384", "SHA3-512": "sha3-v512", BLAKE3: "blake3" };

/** At most 64 KiB of random bytes. */
export function randomBytes(length) {
    if (typeof length !== "number") throw new TypeError(`the length is a number, not ${kindOf(length)}`);
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
    constructor(token, { name, bytes, algorithm, extractable = false, usages = [] }) {
        if (token !== CryptoKey) throw new TypeError("a CryptoKey comes from bailiwick.crypto.key or crypto.subtle.importKey");
        this.#name = name;
        this.#bytes = bytes;
        define(this, { type: "secret", extractable, algorithm, usages });
    }
    static name(key) {
        if (typeof key === "string") return text(key);
        if (typeof key !== "object" || key === null || !(#name in key)) throw new TypeError(`a key is a name or a CryptoKey, not ${kindOf(key)}`);
        if (key.#name === undefined) throw notSupported("this operation with a key that the script brought");
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
export const key = (name) => new CryptoKey(CryptoKey, { name: words(name, "the name of a key"), algorithm: { name: "host" } });

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

/** RFC 5869 over the same. */
function hkdfWith(algorithm, secret, salt, info, length) {
    const size = hash(algorithm, new Uint8Array()).length;
    if (length > 255 * size) throw named("OperationError", `HKDF gives at most ${255 * size} bytes`);
    const prk = hmacWith(algorithm, salt.length === 0 ? new Uint8Array(size) : salt, secret);
    const derived = new Uint8Array(Math.ceil(length / size) * size);
    let block = new Uint8Array();
    for (let at = 0; at < derived.length; at += size) {
        const input = new Uint8Array(block.length + info.length + 1);
        input.set(block);
        input.set(info, block.length);
        input[input.length - 1] = at / size + 1;
        block = hmacWith(algorithm, prk, input);
        derived.set(block, at);
    }
    return derived.slice(0, length);
}

// --------------------------------------------------------------------------------------------------------------------------------- subtle

const algorithmName = (algorithm) => String(typeof algorithm === "object" && algorithm !== null ? algorithm.name : algorithm).toUpperCase();
const hashName = (algorithm) => String(algorithm?.hash?.name ?? algorithm?.hash ?? "SHA-256").toUpperCase();

const USE_NAMED = 'the host\'s keys are used by name, as in bailiwick.crypto.key("ring/key"), and the operator brings others in with `bailiwick key import`; this';
/** The least bits of a signature's hash, by its length: what the host's key is shows in what it makes. */
const CURVES = { 64: "SHA-256", 96: "SHA-384" };

function signature(algorithm, of, bytes) {
    const name = algorithmName(algorithm);
    const secret = keyBytes(of);
    if (secret !== undefined) {
        if (name !== "HMAC" || of.algorithm.name !== "HMAC") throw named("InvalidAccessError", "a key that the script brought signs with HMAC, and only when it was imported for that");
        return hmacWith(hashName(of.algorithm), secret, bytes);
    }
    if (name === "HMAC") return operations.hmac(of, bytes);
    if (name === "ED25519" || name === "RSA-PSS") return operations.sign(of, bytes);
    if (name === "ECDSA") {
        const made = operations.sign(of, bytes);
        if (CURVES[made.length] !== hashName(algorithm)) throw named("OperationError", `this key signs with ${CURVES[made.length] ?? "another algorithm than ECDSA"}`);
        return made;
    }
    throw notSupported(`signing with \`${name}\``);
}

/** HKDF, of a key of the host or of one that the script brought. */
function derived(algorithm, of, bits) {
    if (algorithmName(algorithm) !== "HKDF") throw notSupported(`deriving with \`${algorithmName(algorithm)}\``);
    if (!(Number.isInteger(bits) && bits > 0 && bits % 8 === 0)) throw named("OperationError", "a number of bits in whole bytes");
    const [salt, info] = [data(algorithm.salt ?? ""), data(algorithm.info ?? "")];
    const secret = keyBytes(of);
    if (secret !== undefined) {
        if (of.algorithm.name !== "HKDF") throw named("InvalidAccessError", "this key was not imported for HKDF");
        return hkdfWith(hashName(algorithm), secret, salt, info, bits / 8);
    }
    if (hashName(algorithm) !== "SHA-256") throw notSupported("HKDF with another hash than SHA-256, with a key of the host,");
    if (bits > 512) throw named("OperationError", "8 to 512 bits");
    return operations.derive(of, salt, info, bits / 8);
}

/** A key that the script holds: for HMAC and HKDF, which hashes of the host are enough for. */
function brought(bytes, algorithm, extractable, usages) {
    const name = algorithmName(algorithm);
    if (name !== "HMAC" && name !== "HKDF") throw notSupported(`${USE_NAMED} kind of raw key, \`${name}\`,`);
    const about = name === "HMAC" ? { name, hash: { name: hashName(algorithm) } } : { name };
    return new CryptoKey(CryptoKey, { bytes, algorithm: about, extractable: Boolean(extractable), usages: [...(usages ?? [])] });
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
        if (algorithm.iv !== undefined) throw notSupported("a nonce of one's own: the host makes it and puts it in front of what is sealed; leave `iv` out. It");
        return exactBuffer(operations.encrypt(of, data(bytes), data(algorithm.additionalData ?? "")));
    }
    async decrypt(algorithm, of, bytes) {
        if (algorithmName(algorithm) !== "AES-GCM") throw notSupported(`decrypting with \`${algorithmName(algorithm)}\``);
        return exactBuffer(operations.decrypt(of, data(bytes), data(algorithm.additionalData ?? "")));
    }
    async deriveBits(algorithm, of, bits) {
        return exactBuffer(derived(algorithm, of, bits));
    }
    async deriveKey(algorithm, of, wanted, extractable, usages) {
        const bits = wanted?.length ?? 8 * hash(hashName(wanted), new Uint8Array()).length;
        if (algorithmName(wanted) !== "HMAC") throw notSupported(`deriving a key for \`${algorithmName(wanted)}\`: ${USE_NAMED}`);
        return brought(derived(algorithm, of, bits), wanted, extractable, usages);
    }
    async importKey(format, content, algorithm, extractable, usages) {
        if (format === "jwk" && content?.kty === "oct") {
            return brought(Uint8Array.fromBase64(String(content.k), { alphabet: "base64url" }), algorithm, extractable, usages);
        }
        if (format !== "raw") throw notSupported(`importing a key as \`${format}\`: ${USE_NAMED}`);
        return brought(data(content).slice(), algorithm, extractable, usages);
    }
    async generateKey(algorithm, extractable, usages) {
        if (algorithmName(algorithm) !== "HMAC") throw notSupported("making a key other than for HMAC: the operator makes them, and crypto.subtle.generateKey");
        return brought(randomBytes(algorithm.length === undefined ? 64 : Math.ceil(algorithm.length / 8)), algorithm, extractable, usages);
    }
    async exportKey(format, of) {
        const secret = keyBytes(of);
        if (secret === undefined) throw notSupported("exporting a key of the host");
        if (!of.extractable) throw named("InvalidAccessError", "the key is not extractable");
        if (format !== "raw") throw notSupported(`exporting a key as \`${format}\``);
        return exactBuffer(secret.slice());
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
