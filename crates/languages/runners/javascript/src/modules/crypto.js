// `crypto` of Node: digests and HMACs of the host, randomness, and equality that takes the same time.

import { data } from "../bytes.js";
import { notSupported } from "../errors.js";
import { equal, hash, hmacWith, randomBytes } from "../web/crypto.js";
import { Buffer } from "./buffer.js";
import { digest } from "./digests.js";

const webName = (algorithm) => String(algorithm).toUpperCase().replace(/^SHA-?(\d{3})$/, "SHA-$1").replace(/^RSA-/, "");

/** MD5 and SHA-1 are for checksums; they are made here, as the host has neither. */
function digestOf(algorithm, bytes) {
    const name = webName(algorithm);
    return digest(name, bytes) ?? hash(name, bytes);
}

class Sum {
    #parts = [];
    #finish;
    constructor(finish) {
        this.#finish = finish;
    }
    update(content, encoding) {
        this.#parts.push(typeof content === "string" ? Buffer.from(content, encoding) : data(content).slice());
        return this;
    }
    digest(encoding) {
        const sum = Buffer.from(this.#finish(Buffer.concat(this.#parts)));
        return encoding === undefined ? sum : sum.toString(encoding);
    }
}

const plain = (bytes) => new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);

export const cryptoModule = {
    createHash: (algorithm) => new Sum((bytes) => digestOf(algorithm, plain(bytes))),
    createHmac: (algorithm, secret) => new Sum((bytes) => hmacWith(webName(algorithm), data(secret, "the key"), plain(bytes))),
    hash: (algorithm, content, encoding = "hex") => Buffer.from(digestOf(algorithm, data(content))).toString(encoding),
    getHashes: () => ["md5", "sha1", "sha256", "sha384", "sha512", "sha3-256", "sha3-384", "sha3-512"],
    randomBytes: (length) => Buffer.from(randomBytes(length)),
    randomInt(least, most) {
        const [low, high] = most === undefined ? [0, least] : [least, most];
        const range = high - low;
        if (!(Number.isSafeInteger(range) && range > 0 && range <= 2 ** 48)) throw new RangeError("randomInt needs a range of 1 to 2^48 whole numbers");
        for (;;) {
            const number = Buffer.from(randomBytes(6)).reduce((sum, byte) => sum * 256 + byte, 0);
            if (number < 2 ** 48 - (2 ** 48 % range)) return low + (number % range);
        }
    },
    randomUUID: () => crypto.randomUUID(),
    getRandomValues: (array) => crypto.getRandomValues(array),
    timingSafeEqual(a, b) {
        if (a.byteLength !== b.byteLength) throw new RangeError("Input buffers must have the same byte length");
        return equal(data(a), data(b));
    },
    webcrypto: crypto,
    subtle: crypto.subtle,
};

for (const name of ["createCipheriv", "createDecipheriv", "createSign", "createVerify", "generateKeyPairSync", "pbkdf2Sync", "scryptSync", "createSecretKey"]) {
    cryptoModule[name] = () => {
        throw notSupported(`crypto.${name}; named keys of the host are used with bailiwick.crypto`);
    };
}
