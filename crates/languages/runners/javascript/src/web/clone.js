// `structuredClone`.

import { named } from "../errors.js";
import { define } from "./define.js";

const ERRORS = { Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError };

function structuredClone(value, options) {
    for (const buffer of options?.transfer ?? []) if (!(buffer instanceof ArrayBuffer)) throw cannot("a value that is to be transferred");
    const seen = new Map();
    const cloned = clone(value, seen);
    for (const buffer of options?.transfer ?? []) buffer.transfer(0);
    return cloned;
}

const cannot = (what) => named("DataCloneError", `${what} cannot be cloned`);

function clone(value, seen) {
    if (typeof value === "symbol" || typeof value === "function") throw cannot(typeof value === "symbol" ? "a symbol" : "a function");
    if (typeof value !== "object" || value === null) return value;
    if (seen.has(value)) return seen.get(value);
    const keep = (copy) => {
        seen.set(value, copy);
        return copy;
    };
    for (const Boxed of [Boolean, Number, String, BigInt]) if (value instanceof Boxed) return keep(Object(value.valueOf()));
    if (value instanceof Date) return keep(new Date(value.getTime()));
    if (value instanceof RegExp) return keep(new RegExp(value.source, value.flags));
    if (value instanceof ArrayBuffer) return keep(value.slice(0));
    if (ArrayBuffer.isView(value)) {
        const buffer = clone(value.buffer, seen);
        const View = value instanceof DataView ? DataView : globalThis[value[Symbol.toStringTag]];
        return keep(new View(buffer, value.byteOffset, value instanceof DataView ? value.byteLength : value.length));
    }
    if (value instanceof Map) {
        const copy = keep(new Map());
        for (const [key, item] of [...value]) copy.set(clone(key, seen), clone(item, seen));
        return copy;
    }
    if (value instanceof Set) {
        const copy = keep(new Set());
        for (const item of [...value]) copy.add(clone(item, seen));
        return copy;
    }
    if (Error.isError(value)) {
        const copy = keep(new (ERRORS[value.name] ?? Error)(String(value.message)));
        if (typeof value.stack === "string") define(copy, { stack: value.stack });
        if (Object.hasOwn(value, "cause")) define(copy, { cause: clone(value.cause, seen) });
        return copy;
    }
    if (value instanceof Promise || value instanceof WeakMap || value instanceof WeakSet || value instanceof WeakRef) throw cannot(`a ${value.constructor.name}`);
    const copy = keep(Array.isArray(value) ? new Array(value.length) : {});
    for (const key of Object.keys(value)) copy[key] = clone(value[key], seen);
    return copy;
}

define(globalThis, { structuredClone });
