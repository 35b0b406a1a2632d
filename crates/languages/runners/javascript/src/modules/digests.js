// MD5 (RFC 1321) and SHA-1 (FIPS 180-4), for checksums and keys of caches. The host has neither, and nothing here is secret.

/** The digest, or nothing for an algorithm that is the host's. */
export function digest(name, bytes) {
    if (name === "MD5") return md5(bytes);
    if (name === "SHA1" || name === "SHA-1") return sha1(bytes);
    return undefined;
}

/** The message with its padding and its length in bits, as 32-bit words. */
function padded(bytes, little) {
    const length = (Math.floor((bytes.length + 8) / 64) + 1) * 64;
    const whole = new Uint8Array(length);
    whole.set(bytes);
    whole[bytes.length] = 0x80;
    const view = new DataView(whole.buffer);
    const [low, high] = [(bytes.length * 8) >>> 0, Math.floor(bytes.length / 0x20000000)];
    view.setUint32(length - (little ? 8 : 4), low, little);
    view.setUint32(length - (little ? 4 : 8), high, little);
    return view;
}

function written(words, little) {
    const view = new DataView(new ArrayBuffer(words.length * 4));
    words.forEach((word, at) => view.setUint32(at * 4, word, little));
    return new Uint8Array(view.buffer);
}

const turned = (word, by) => (word << by) | (word >>> (32 - by));

const SHIFTS = [7, 12, 17, 22, 5, 9, 14, 20, 4, 11, 16, 23, 6, 10, 15, 21];
const SINES = Int32Array.from({ length: 64 }, (_, at) => Math.floor(Math.abs(Math.sin(at + 1)) * 2 ** 32));

function md5(bytes) {
    const view = padded(bytes, true);
    let [a, b, c, d] = [0x67452301, 0xefcdab89 | 0, 0x98badcfe | 0, 0x10325476];
    const words = new Int32Array(16);
    for (let block = 0; block < view.byteLength; block += 64) {
        for (let at = 0; at < 16; at += 1) words[at] = view.getInt32(block + at * 4, true);
        const [a0, b0, c0, d0] = [a, b, c, d];
        for (let at = 0; at < 64; at += 1) {
            const round = at >> 4;
            const mix = round === 0 ? (b & c) | (~b & d) : round === 1 ? (d & b) | (~d & c) : round === 2 ? b ^ c ^ d : c ^ (b | ~d);
            const index = round === 0 ? at : round === 1 ? (5 * at + 1) & 15 : round === 2 ? (3 * at + 5) & 15 : (7 * at) & 15;
            const sum = (a + mix + SINES[at] + words[index]) | 0;
            a = d;
            d = c;
            c = b;
            b = (b + turned(sum, SHIFTS[round * 4 + (at & 3)])) | 0;
        }
        [a, b, c, d] = [(a + a0) | 0, (b + b0) | 0, (c + c0) | 0, (d + d0) | 0];
    }
    return written([a, b, c, d], true);
}

function sha1(bytes) {
    const view = padded(bytes, false);
    let state = [0x67452301, 0xefcdab89 | 0, 0x98badcfe | 0, 0x10325476, 0xc3d2e1f0 | 0];
    const words = new Int32Array(80);
    for (let block = 0; block < view.byteLength; block += 64) {
        for (let at = 0; at < 16; at += 1) words[at] = view.getInt32(block + at * 4, false);
        for (let at = 16; at < 80; at += 1) words[at] = turned(words[at - 3] ^ words[at - 8] ^ words[at - 14] ^ words[at - 16], 1);
        let [a, b, c, d, e] = state;
        for (let at = 0; at < 80; at += 1) {
            const mix = at < 20 ? ((b & c) | (~b & d)) + 0x5a827999 : at < 40 ? (b ^ c ^ d) + 0x6ed9eba1 : at < 60 ? ((b & c) | (b & d) | (c & d)) + 0x8f1bbcdc : (b ^ c ^ d) + 0xca62c1d6;
            const next = (turned(a, 5) + mix + e + words[at]) | 0;
            [e, d, c, b, a] = [d, c, turned(b, 30), a, next];
        }
        state = [a, b, c, d, e].map((word, at) => (word + state[at]) | 0);
    }
    return written(state, false);
}
