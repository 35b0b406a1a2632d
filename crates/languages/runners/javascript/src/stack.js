// `error.stack`: what the error says, then the places in scripts, as other engines have it. QuickJS alone has the places only, the runner's
// among them.

import { Error, String, apply, defineProperty, getOwnPropertyDescriptor, getPrototypeOf, isError, uncurry } from "./primordials.js";

/** What the builder calls the runner's own source. */
const OWN = "componentize-qjs:";

const { set: setHook } = getOwnPropertyDescriptor(Error, "prepareStackTrace");

/** The methods of call sites, before a script gets one. */
const sites = (() => {
    let first;
    apply(setHook, Error, [(_, frames) => void (first = frames[0])]);
    void new Error().stack;
    const method = (name) => uncurry(getPrototypeOf(first)[name]);
    return { file: method("getFileName"), name: method("getFunctionName"), line: method("getLineNumber"), column: method("getColumnNumber"), native: method("isNative"), code: method("getFunction") };
})();

const isOwn = (site) => sites.native(site) || String(sites.file(site)).indexOf(OWN) === 0;

function place(site) {
    const where = `${sites.file(site)}:${sites.line(site)}:${sites.column(site)}`;
    const name = sites.name(site) || (sites.code(site) ? "<anonymous>" : "");
    return name === "" ? `    at ${where}` : `    at ${name} (${where})`;
}

/** `Name: message`; of a value that is no error, nothing. */
export function summary(error) {
    const name = String(error.name ?? "Error");
    const message = String(error.message ?? "");
    if (message === "") return name;
    return name === "" ? message : `${name}: ${message}`;
}

/** A script's own `Error.prepareStackTrace`. */
let custom;

apply(setHook, Error, [(error, all) => {
    const frames = [];
    for (let at = 0; at < all.length; at += 1) if (!isOwn(all[at])) defineProperty(frames, frames.length, { __proto__: null, value: all[at], writable: true, enumerable: true, configurable: true });
    if (typeof custom === "function") return custom(error, frames);
    let text = isError(error) ? summary(error) : "";
    for (let at = 0; at < frames.length; at += 1) text += `${text === "" ? "" : "\n"}${place(frames[at])}`;
    return text;
}]);

defineProperty(Error, "prepareStackTrace", {
    __proto__: null,
    get: () => custom,
    set(value) {
        custom = value;
    },
    enumerable: false,
    configurable: true,
});

/** Writes the stack anew, after the error's name has changed. */
export const restack = Error.captureStackTrace;
