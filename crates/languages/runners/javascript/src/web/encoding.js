// `TextEncoder` and `TextDecoder`: UTF-8, UTF-16 (little and big endian) and Latin-1, the last as the web means it, that is Windows-1252.

import { decode, encode, view } from "../bytes.js";
import { define } from "./define.js";

class TextEncoder {
    get encoding() {
        return "utf-8";
    }
    encode(text = "") {
        return encode(text).slice();
    }
    encodeInto(text, target) {
        let read = 0;
        let written = 0;
        for (const character of String(text).toWellFormed()) {
            const bytes = encode(character);
            if (written + bytes.length > target.length) break;
            target.set(bytes, written);
            read += character.length;
            written += bytes.length;
        }
        return { read, written };
    }
}

const LABELS = new Map([
    ["utf-8", ["utf-8", "utf8", "unicode-1-1-utf-8", "x-unicode20utf8"]],
    ["utf-16le", ["utf-16le", "utf-16", "ucs-2", "unicode", "iso-10646-ucs-2"]],
    ["utf-16be", ["utf-16be", "unicodefffe"]],
    ["windows-1252", ["windows-1252", "latin1", "iso-8859-1", "iso8859-1", "l1", "ascii", "us-ascii", "cp1252", "x-cp1252"]],
].flatMap(([name, labels]) => labels.map((label) => [label, name])));

/** What the bytes 0x80 to 0x9F are in Windows-1252. */
const UPPER = "€\u0081‚ƒ„…†‡ˆ‰Š‹Œ\u008dŽ\u008f\u0090‘’“”•–—˜™š›œ\u009džŸ";

class TextDecoder {
    #encoding;
    #fatal;
    #ignoreBom;
    #rest = new Uint8Array(0);
    #begun = false;
    constructor(label = "utf-8", { fatal = false, ignoreBOM = false } = {}) {
        const encoding = LABELS.get(String(label).trim().toLowerCase());
        if (encoding === undefined) throw new RangeError(`the encoding \`${label}\` is not known here; there are utf-8, utf-16le, utf-16be and latin1`);
        this.#encoding = encoding;
        this.#fatal = Boolean(fatal);
        this.#ignoreBom = Boolean(ignoreBOM);
    }
    get encoding() {
        return this.#encoding;
    }
    get fatal() {
        return this.#fatal;
    }
    get ignoreBOM() {
        return this.#ignoreBom;
    }
    decode(input, { stream = false } = {}) {
        const given = input === undefined ? new Uint8Array(0) : view(input);
        if (given === undefined) throw new TypeError("TextDecoder decodes an ArrayBuffer or a view of one");
        let bytes = given;
        if (this.#rest.length > 0) {
            bytes = new Uint8Array(this.#rest.length + given.length);
            bytes.set(this.#rest);
            bytes.set(given, this.#rest.length);
        }
        const whole = stream ? bytes.length - unfinished(bytes, this.#encoding) : bytes.length;
        this.#rest = bytes.slice(whole);
        let text = decodeAs(bytes.subarray(0, whole), this.#encoding, this.#fatal);
        if (!this.#begun && !this.#ignoreBom && this.#encoding !== "windows-1252" && text.startsWith("\ufeff")) text = text.slice(1);
        this.#begun = stream && (this.#begun || text !== "");
        return text;
    }
}

function decodeAs(bytes, encoding, fatal) {
    if (encoding === "utf-8") return strictly(decode(bytes), bytes, fatal);
    if (encoding === "windows-1252") return inParts(bytes, 1, (at) => (bytes[at] >= 0x80 && bytes[at] < 0xa0 ? UPPER.charCodeAt(bytes[at] - 0x80) : bytes[at]));
    const high = encoding === "utf-16be" ? 0 : 1;
    const text = inParts(bytes.subarray(0, bytes.length & ~1), 2, (at) => bytes[at + 1 - high] | (bytes[at + high] << 8));
    const broken = bytes.length % 2 === 1;
    if (fatal && (broken || !text.isWellFormed())) throw new TypeError(`the data is not ${encoding}`);
    return text.toWellFormed() + (broken ? "\ufffd" : "");
}

/** The engine writes U+FFFD for what is no UTF-8; the same character may also have been there. */
function strictly(text, bytes, fatal) {
    if (!fatal || !text.includes("\ufffd")) return text;
    const again = encode(text);
    if (again.length !== bytes.length || again.some((byte, at) => byte !== bytes[at])) throw new TypeError("the data is not utf-8");
    return text;
}

function inParts(bytes, size, unit) {
    let text = "";
    for (let start = 0; start < bytes.length; start += 4096 * size) {
        const units = [];
        for (let at = start; at < bytes.length && at < start + 4096 * size; at += size) units.push(unit(at));
        text += String.fromCharCode(...units);
    }
    return text;
}

/** How many bytes at the end are the beginning of something. */
function unfinished(bytes, encoding) {
    if (encoding === "windows-1252") return 0;
    if (encoding !== "utf-8") return bytes.length % 2;
    for (let back = 1; back <= 3 && back <= bytes.length; back += 1) {
        const byte = bytes[bytes.length - back];
        if ((byte & 0xc0) === 0x80) continue;
        const needed = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
        return needed > back ? back : 0;
    }
    return 0;
}

define(globalThis, { TextEncoder, TextDecoder });
