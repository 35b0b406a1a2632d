// What the runner itself stands on, taken before any script runs: a script may replace every global and every prototype, and the runner still
// says truthfully how it ended.

export const {
    Array, ArrayBuffer, BigInt, Boolean, DataView, Date, Error, Function, JSON, Map, Math, Number, Object, Promise, Proxy, RangeError, Reflect,
    RegExp, Set, String, Symbol, SyntaxError, TypeError, Uint8Array, Uint32Array, WeakMap, WeakSet, AggregateError,
} = globalThis;

const { bind, call } = Function.prototype;

/** A method as a function whose first argument is `this`. */
export const uncurry = bind.bind(call);

/** Evaluates in the global scope, lexical variables included. */
export const evaluateGlobally = globalThis.eval;
export const { parse: parseJson, stringify: stringifyJson } = JSON;
export const { apply, ownKeys, construct, deleteProperty } = Reflect;
export const {
    create, defineProperty, defineProperties, entries, freeze, getOwnPropertyDescriptor, getOwnPropertyNames, getPrototypeOf, hasOwn, is, keys,
} = Object;
export const isArray = Array.isArray;
export const isError = Error.isError;

export const promiseThen = uncurry(Promise.prototype.then);
export const mapGet = uncurry(Map.prototype.get);
export const mapSet = uncurry(Map.prototype.set);
export const mapDelete = uncurry(Map.prototype.delete);
export const mapForEach = uncurry(Map.prototype.forEach);
export const mapClear = uncurry(Map.prototype.clear);
export const mapSize = uncurry(Object.getOwnPropertyDescriptor(Map.prototype, "size").get);
export const push = uncurry(Array.prototype.push);
export const toWellFormed = uncurry(String.prototype.toWellFormed);
export const slice = uncurry(String.prototype.slice);
export const split = uncurry(String.prototype.split);
export const joinStrings = uncurry(Array.prototype.join);
export const startsWith = uncurry(String.prototype.startsWith);
export const endsWith = uncurry(String.prototype.endsWith);
export const includes = uncurry(String.prototype.includes);
export const replaceText = uncurry(String.prototype.replace);
export const subarray = uncurry(Uint8Array.prototype.subarray);
export const copyBytes = uncurry(Uint8Array.prototype.slice);

const typed = Object.getPrototypeOf(Uint8Array.prototype);
export const bufferOf = uncurry(Object.getOwnPropertyDescriptor(typed, "buffer").get);
export const byteOffsetOf = uncurry(Object.getOwnPropertyDescriptor(typed, "byteOffset").get);
export const byteLengthOf = uncurry(Object.getOwnPropertyDescriptor(typed, "byteLength").get);
export const typedTag = uncurry(Object.getOwnPropertyDescriptor(typed, Symbol.toStringTag).get);
export const isView = ArrayBuffer.isView;
