// The errors of the host, as scripts see them.

import { exiting } from "./exit.js";
import { encodeUtf8 } from "./engine.js";
import { Error, String, TypeError, byteLengthOf, defineProperty, hasOwn, isView, slice } from "./primordials.js";
import { restack } from "./stack.js";

/** What the web calls a failure of the world, by code; others are an `OperationError`. */
const NAMES = {
    __proto__: null,
    "failed.not_found": "NotFoundError",
    "failed.no_key": "NotFoundError",
    "failed.no_secret": "NotFoundError",
    "failed.no_tool": "NotFoundError",
    "failed.exists": "InvalidModificationError",
    "failed.not_empty": "InvalidModificationError",
    "failed.not_directory": "TypeMismatchError",
    "failed.is_directory": "TypeMismatchError",
    "failed.dns": "NetworkError",
    "failed.connect": "NetworkError",
    "failed.tls": "NetworkError",
    "failed.http": "NetworkError",
    "failed.sql_statement": "SyntaxError",
    "failed.sql_constraint": "ConstraintError",
    "failed.malformed_argument": "TypeError",
    "failed.not_utf8": "EncodingError",
    "limit.deadline": "TimeoutError",
};

/** And Node, for those who read `error.code` of `fs`. */
export const ERRNO = {
    __proto__: null,
    "failed.not_found": "ENOENT",
    "failed.exists": "EEXIST",
    "failed.not_directory": "ENOTDIR",
    "failed.is_directory": "EISDIR",
    "failed.not_empty": "ENOTEMPTY",
    "failed.io": "EIO",
    "failed.host_permission": "EACCES",
    "failed.no_space": "ENOSPC",
    "limit.memory": "ENOSPC",
    "limit.open_handles": "EMFILE",
    "limit.argument_bytes": "EFBIG",
};

/** The web's errors, told apart by their name. Here `code` is the host's, where there is one. */
export class DOMException extends Error {
    constructor(message = "", name = "Error") {
        super(message);
        define(this, "name", String(name), false);
        restack(this);
    }
}

/** An error with this name, and a `code` if there is one. */
export function named(name, message, code) {
    const error = name === "TypeError" ? new TypeError(message) : name === "Error" ? new Error(message) : new DOMException(message, name);
    if (code !== undefined) define(error, "code", code, true);
    return error;
}

function define(object, key, value, enumerable) {
    defineProperty(object, key, { __proto__: null, value, writable: true, enumerable, configurable: true });
}

/**
 * The error of a host call. `caught` is what the call threw, with the host's variant in `payload`; `what` is the call as the audit log would
 * write it.
 */
export function fromHost(caught, what) {
    const payload = hasOwn(caught, "payload") ? caught.payload : undefined;
    const kind = payload?.tag;
    const code = payload?.val;
    if (typeof code !== "string") return caught;
    const message = `[${code}] ${what}`;
    if (kind === "denied") return named("NotAllowedError", message, code);
    if (kind === "limit") return named(NAMES[code] ?? "QuotaExceededError", message, code);
    return named(NAMES[code] ?? "OperationError", message, code);
}

/** Bytes that the host takes in one call. More would end the run. */
const MOST = 8 * 1024 * 1024;

/** Throws when a call would take more bytes than the host copies for one. */
export function fitting(bytes, what) {
    if (bytes > MOST) throw named("QuotaExceededError", `[limit.argument_bytes] ${slice(what, 0, 200)}`, "limit.argument_bytes");
}

/** The bytes that an argument is for the host. Text that is too long already need not be encoded to tell. */
export function sizeOf(value) {
    if (typeof value === "string") return value.length > MOST ? value.length : encodeUtf8(value).length;
    return isView(value) ? byteLengthOf(value) : 0;
}

/** At most so many: UTF-8 has up to three bytes for a unit of UTF-16. Takes no encoding. */
function boundOf(value) {
    return typeof value === "string" ? value.length * 3 : sizeOf(value);
}

/** Calls a function of the host, which takes up to five values. Spreading them would cost more than the rest of the call. */
export function ask(what, call, a, b, c, d, e) {
    exiting();
    if (boundOf(a) + boundOf(b) + boundOf(c) + boundOf(d) > MOST) fitting(sizeOf(a) + sizeOf(b) + sizeOf(c) + sizeOf(d), what);
    try {
        return call(a, b, c, d, e);
    } catch (caught) {
        throw fromHost(caught, what);
    }
}

export const notSupported = (what) => named("NotSupportedError", `${what} is not supported here`);
