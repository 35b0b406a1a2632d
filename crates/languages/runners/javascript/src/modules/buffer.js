// `Buffer`, as far as scripts use it for text and bytes.

import { decode, encode } from "../bytes.js";
import { CUSTOM } from "../web/inspect.js";

const latin1 = new TextDecoder("latin1");
const utf16 = new TextDecoder("utf-16le");

function encodingName(encoding = "utf8") {
    const name = String(encoding).toLowerCase().replace(/[-_]/g, "");
    if (["utf8", "hex", "base64", "base64url", "latin1", "binary", "ascii", "utf16le", "ucs2"].includes(name)) return name;
    throw new TypeError(`Unknown encoding: ${encoding}`);
}

function bytesOf(text, encoding) {
    switch (encodingName(encoding)) {
        case "utf8":
            return encode(text);
        case "hex":
            return Uint8Array.fromHex(/^(?:[\da-f]{2})*/i.exec(text)[0]);
        case "base64":
        case "base64url":
            return fromBase64(text);
        case "utf16le":
        case "ucs2":
            return new Uint8Array(Uint16Array.from(text, (character) => character.charCodeAt(0)).buffer);
        default:
            return Uint8Array.from(text, (character) => character.charCodeAt(0));
    }
}

/** Either alphabet, padding or not, and what is in between is passed over, as in Node. */
function fromBase64(text) {
    const plain = String(text).replaceAll("-", "+").replaceAll("_", "/").replace(/=[^]*$/, "").replace(/[^A-Za-z0-9+/]/g, "");
    return Uint8Array.fromBase64(plain.length % 4 === 1 ? plain.slice(0, -1) : plain);
}

export class Buffer extends Uint8Array {
    static from(value, encoding, length) {
        if (typeof value === "string") return wrap(bytesOf(value, encoding));
        if (value instanceof ArrayBuffer) return new Buffer(value, encoding ?? 0, length ?? value.byteLength - (encoding ?? 0));
        if (value?.type === "Buffer" && Array.isArray(value.data)) return wrap(Uint8Array.from(value.data));
        if (ArrayBuffer.isView(value) && !(value instanceof Uint8Array)) return wrap(Uint8Array.from(value));
        return wrap(Uint8Array.from(value));
    }
    static alloc(size, fill, encoding) {
        const buffer = new Buffer(size);
        return fill === undefined ? buffer : buffer.fill(fill, 0, size, encoding);
    }
    static allocUnsafe(size) {
        return new Buffer(size);
    }
    static isBuffer(value) {
        return value instanceof Buffer;
    }
    static isEncoding(encoding) {
        try {
            return Boolean(encodingName(encoding));
        } catch {
            return false;
        }
    }
    static byteLength(value, encoding) {
        return typeof value === "string" ? bytesOf(value, encoding).length : value.byteLength;
    }
    static concat(list, total) {
        const length = total ?? list.reduce((sum, part) => sum + part.length, 0);
        const whole = new Buffer(length);
        let at = 0;
        for (const part of list) {
            if (at >= length) break;
            whole.set(part.subarray(0, length - at), at);
            at += part.length;
        }
        return whole;
    }
    static compare(a, b) {
        for (let at = 0; at < Math.min(a.length, b.length); at += 1) if (a[at] !== b[at]) return a[at] < b[at] ? -1 : 1;
        return Math.sign(a.length - b.length);
    }
    toString(encoding, start = 0, end = this.length) {
        const part = new Uint8Array(this.buffer, this.byteOffset, this.length).subarray(start, end);
        switch (encodingName(encoding)) {
            case "utf8":
                return decode(part);
            case "hex":
                return part.toHex();
            case "base64":
                return part.toBase64();
            case "base64url":
                return part.toBase64({ alphabet: "base64url", omitPadding: true });
            case "utf16le":
            case "ucs2":
                return utf16.decode(part);
            case "ascii":
                return latin1.decode(part.map((byte) => byte & 0x7f));
            default:
                return Array.from(part, (byte) => String.fromCharCode(byte)).join("");
        }
    }
    toJSON() {
        return { type: "Buffer", data: [...this] };
    }
    equals(other) {
        return Buffer.compare(this, other) === 0;
    }
    compare(other) {
        return Buffer.compare(this, other);
    }
    write(text, offset = 0, length = this.length - offset, encoding = "utf8") {
        const bytes = bytesOf(text, encoding).subarray(0, length);
        this.set(bytes, offset);
        return bytes.length;
    }
    copy(target, targetStart = 0, start = 0, end = this.length) {
        const part = this.subarray(start, end).subarray(0, target.length - targetStart);
        target.set(part, targetStart);
        return part.length;
    }
    slice(start, end) {
        return this.subarray(start, end);
    }
    fill(value, start = 0, end = this.length, encoding = "utf8") {
        if (typeof value !== "string") return super.fill(value, start, end);
        const bytes = bytesOf(value, encoding);
        for (let at = start; at < end && bytes.length > 0; at += 1) this[at] = bytes[(at - start) % bytes.length];
        return this;
    }
    indexOf(value, from = 0, encoding = "utf8") {
        if (typeof value === "number") return super.indexOf(value & 0xff, from);
        const wanted = typeof value === "string" ? bytesOf(value, encoding) : value;
        for (let at = from; at + wanted.length <= this.length; at += 1) if (wanted.every((byte, index) => byte === this[at + index])) return at;
        return -1;
    }
    includes(value, from, encoding) {
        return this.indexOf(value, from, encoding) >= 0;
    }
    [CUSTOM]() {
        const shown = Array.from(this.subarray(0, 50), (byte) => byte.toString(16).padStart(2, "0")).join(" ");
        const rest = this.length - 50;
        return `<Buffer${shown === "" ? "" : ` ${shown}`}${rest > 0 ? ` ... ${rest} more byte${rest > 1 ? "s" : ""}` : ""}>`;
    }
}

const wrap = (bytes) => new Buffer(bytes.buffer, bytes.byteOffset, bytes.length);

for (const [name, get, size] of [["UInt8", "Uint8", 1], ["Int8", "Int8", 1], ["UInt16", "Uint16", 2], ["Int16", "Int16", 2], ["UInt32", "Uint32", 4], ["Int32", "Int32", 4], ["BigUInt64", "BigUint64", 8], ["BigInt64", "BigInt64", 8], ["Float", "Float32", 4], ["Double", "Float64", 8]]) {
    for (const [ending, little] of size === 1 ? [["", true]] : [["LE", true], ["BE", false]]) {
        Object.defineProperty(Buffer.prototype, `read${name}${ending}`, { writable: true, configurable: true, value(offset = 0) {
            return viewOf(this)[`get${get}`](offset, little);
        } });
        Object.defineProperty(Buffer.prototype, `write${name}${ending}`, { writable: true, configurable: true, value(value, offset = 0) {
            viewOf(this)[`set${get}`](offset, value, little);
            return offset + size;
        } });
    }
}

const viewOf = (buffer) => new DataView(buffer.buffer, buffer.byteOffset, buffer.length);

export const bufferModule = { Buffer, Blob, File, atob, btoa, constants: { MAX_LENGTH: 2 ** 31 - 1 } };
