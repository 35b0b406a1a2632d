// Bytes and text, on their way between scripts and the host.

import { decodeUtf8, encodeUtf8 } from "./engine.js";
import {
    ArrayBuffer, Number, RangeError, String, TypeError, Uint8Array, byteLengthOf, bufferOf, byteOffsetOf, copyBytes, isArray, isView, toWellFormed, uncurry, DataView, Object,
    typedTag,
} from "./primordials.js";

const viewBuffer = uncurry(Object.getOwnPropertyDescriptor(DataView.prototype, "buffer").get);
const viewOffset = uncurry(Object.getOwnPropertyDescriptor(DataView.prototype, "byteOffset").get);
const viewLength = uncurry(Object.getOwnPropertyDescriptor(DataView.prototype, "byteLength").get);
const isShared = (value) => typeof SharedArrayBuffer === "function" && value instanceof SharedArrayBuffer;

/** Text that the host can take: a lone surrogate becomes U+FFFD. */
export function text(value) {
    return toWellFormed(String(value));
}

/** Text that a script gives where another type is a mistake: a key `undefined` is not the key "undefined". */
export function words(value, what) {
    if (typeof value !== "string") throw new TypeError(`${what} is a string, not ${kindOf(value)}`);
    return toWellFormed(value);
}

/** A whole number from `least` on. */
export function whole(value, what, least) {
    if (typeof value !== "number" && typeof value !== "bigint") throw new TypeError(`${what} is a number, not ${kindOf(value)}`);
    const number = Number(value);
    if (!Number.isSafeInteger(number) || number < least) throw new RangeError(`${what} is a whole number${least === 0 ? ", and not negative" : ""}`);
    return number;
}

/** What a value is, in a word. */
export const kindOf = (value) => (value === null ? "null" : isArray(value) ? "an array" : typeof value);

export const encode = (value) => encodeUtf8(text(value));
export const decode = decodeUtf8;

/** The bytes of an `ArrayBuffer` or of a view, not copied; nothing for another value. */
export function view(value) {
    if (isView(value)) {
        return typedTag(value) === undefined
            ? new Uint8Array(viewBuffer(value), viewOffset(value), viewLength(value))
            : new Uint8Array(bufferOf(value), byteOffsetOf(value), byteLengthOf(value));
    }
    if (value instanceof ArrayBuffer || isShared(value)) return new Uint8Array(value);
    return undefined;
}

/** What a script gives as data: text as UTF-8, or bytes. Always a plain `Uint8Array`, which the host can take. */
export function data(value, what = "data") {
    if (typeof value === "string") return encode(value);
    const bytes = view(value);
    if (bytes === undefined) throw new TypeError(`${what} is a string, an ArrayBuffer or a view of one`);
    return bytes;
}

/** An `ArrayBuffer` with exactly these bytes. */
export function exactBuffer(bytes) {
    return bufferOf(copyBytes(bytes));
}
