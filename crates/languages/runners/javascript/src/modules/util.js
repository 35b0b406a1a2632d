// `util`.

import { notSupported } from "../errors.js";
import { define } from "../web/define.js";
import { format } from "../web/format.js";
import { CUSTOM, inspect } from "../web/inspect.js";
import { deepEqual } from "./equality.js";

const is = (Class) => (value) => value instanceof Class;

function promisify(original) {
    if (typeof original !== "function") throw new TypeError("util.promisify takes a function");
    if (original[promisify.custom]) return original[promisify.custom];
    return function promised(...values) {
        return new Promise((resolve, reject) => original.call(this, ...values, (error, value) => (error ? reject(error) : resolve(value))));
    };
}
promisify.custom = Symbol.for("nodejs.util.promisify.custom");
define(globalThis.setTimeout, { [promisify.custom]: (delay, value) => new Promise((resolve) => setTimeout(resolve, delay, value)) });
define(inspect, { custom: CUSTOM, defaultOptions: { depth: 2 } });

export const util = {
    inspect,
    format,
    promisify,
    callbackify: (original) => (...values) => {
        const callback = values.pop();
        original(...values).then((value) => callback(null, value), (error) => callback(error));
    },
    isDeepStrictEqual: (a, b) => deepEqual(a, b, true),
    deprecate: (original) => original,
    inherits(child, parent) {
        Object.setPrototypeOf(child.prototype, parent.prototype);
    },
    isArray: Array.isArray,
    types: {
        isDate: is(Date), isRegExp: is(RegExp), isMap: is(Map), isSet: is(Set), isPromise: is(Promise), isNativeError: Error.isError,
        isTypedArray: (value) => ArrayBuffer.isView(value) && !(value instanceof DataView), isUint8Array: is(Uint8Array), isArrayBuffer: is(ArrayBuffer),
    },
    stripVTControlCharacters: (text) => String(text).replace(/\u001b\[[\d;]*[A-Za-z]/g, ""),
    styleText: (_style, text) => String(text),
    parseArgs() {
        throw notSupported("util.parseArgs");
    },
    TextEncoder,
    TextDecoder,
};
