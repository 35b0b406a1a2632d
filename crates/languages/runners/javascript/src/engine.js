// The doors of the engine that runtime.mjs makes, and nothing of them left for scripts.

import {
    ArrayBuffer, Map, Uint32Array, Uint8Array, bufferOf, byteLengthOf, byteOffsetOf, deleteProperty, mapClear, hasOwn, mapDelete, mapForEach, mapGet, mapSet, mapSize,
} from "./primordials.js";

const door = globalThis.__cqjs.runGc;
for (const name of ["__cqjs", "wit"]) deleteProperty(globalThis, name);

/** Promises that were rejected and that nobody handles. */
const rejections = new Map();

door((promise, reason, handled) => {
    if (handled) mapDelete(rejections, promise);
    else mapSet(rejections, promise, reason);
});

/** Calls `report(reason, promise)` for each rejection that nobody handled, once. Says how many there were. */
export function takeRejections(report) {
    const count = mapSize(rejections);
    if (count > 0) {
        mapForEach(rejections, report);
        mapClear(rejections);
    }
    return count;
}

/** The promise is looked after. */
export function forgetRejection(promise) {
    mapDelete(rejections, promise);
}

/** Why the promise was rejected, if it was and nobody handles it. */
export const rejectionOf = (promise) => mapGet(rejections, promise);

/** Has a property for each `let`, `const` and `class` at the top of scripts so far. */
let lexical;
door((object) => {
    lexical = object;
}, 0, 0, 0, 0, 0);

/** Forgets such a variable, so that it may be declared again. Whether there was one. */
export const forgetVariable = (name) => hasOwn(lexical, name) && deleteProperty(lexical, name);

/** Runs what promises and `queueMicrotask` have put aside, until there is nothing more. */
export function runJobs() {
    door();
}

/** Seeds `Math.random` from the host. */
export function seedRandom() {
    door(0, 0);
}

/**
 * Evaluates a script: `{ value, failed }`, with a promise of `{ value }`, or with the error that kept it from compiling. `source` and `name` are
 * strings.
 */
export function evaluate(source, name) {
    let outcome;
    door(source, name, (value, failed) => {
        outcome = { value, failed };
    });
    return outcome;
}

/** Room for short text: making buffers costs more than the rest. */
const SHORT = 1024;
const scratch = new ArrayBuffer(4 + 3 * SHORT);
const scratchLength = new Uint32Array(scratch, 0, 1);

/** The UTF-8 of a well-formed string, in a buffer of its own. */
export function encodeUtf8(text) {
    return text.length <= SHORT ? new Uint8Array(utf8View(text)) : utf8View(text);
}

/** The same, good until the next text is encoded. */
export function utf8View(text) {
    if (text.length <= SHORT) {
        door(text, scratch, 0, 0);
        return new Uint8Array(scratch, 4, scratchLength[0]);
    }
    const room = new ArrayBuffer(4 + 3 * text.length);
    door(text, room, 0, 0);
    const length = new Uint32Array(room, 0, 1)[0];
    return new Uint8Array(room, 4, length);
}

/** What UTF-8 says; U+FFFD for what it does not. `bytes` is a `Uint8Array`. */
export function decodeUtf8(bytes) {
    const length = byteLengthOf(bytes);
    if (length === 0) return "";
    let text;
    door(bufferOf(bytes), byteOffsetOf(bytes) | 0, length | 0, (value) => {
        text = value;
    }, 0);
    return text;
}
