// `assert`.

import { inspect } from "../web/inspect.js";
import { deepEqual } from "./equality.js";

class AssertionError extends Error {
    constructor({ message, actual, expected, operator }) {
        super(message);
        Object.defineProperty(this, "name", { value: "AssertionError", configurable: true, writable: true });
        Object.assign(this, { code: "ERR_ASSERTION", actual, expected, operator });
        Object.defineProperties(this, { actual: { enumerable: false }, expected: { enumerable: false }, operator: { enumerable: false }, code: { enumerable: false } });
    }
}

function check(condition, message, otherwise, values) {
    if (condition) return;
    if (Error.isError(message)) throw message;
    throw new AssertionError({ message: message ?? otherwise, ...values });
}

const relation = (name, holds, text) => (actual, expected, message) =>
    check(holds(actual, expected), message, `Expected values to be ${text}:\n\n${inspect(actual)}\n\nshould ${name.startsWith("not") ? "not " : ""}equal\n\n${inspect(expected)}`, { actual, expected, operator: name });

function fits(error, expected) {
    if (expected === undefined) return true;
    if (expected instanceof RegExp) return expected.test(String(error));
    if (typeof expected === "function") return expected.prototype !== undefined && error instanceof expected ? true : Error.isPrototypeOf(expected) ? false : expected.call({}, error) === true;
    return Object.keys(expected).every((key) => (expected[key] instanceof RegExp ? expected[key].test(error[key]) : deepEqual(error[key], expected[key], true)));
}

export const assert = Object.assign((value, message) => check(value, message, "The expression evaluated to a falsy value", { actual: value, expected: true, operator: "==" }), {
    AssertionError,
    ok: (value, message) => assert(value, message),
    fail(message = "Failed") {
        throw Error.isError(message) ? message : new AssertionError({ message, operator: "fail" });
    },
    equal: relation("equal", (a, b) => a == b || (a !== a && b !== b), "loosely equal"),
    notEqual: relation("notEqual", (a, b) => a != b, "loosely unequal"),
    strictEqual: relation("strictEqual", Object.is, "strictly equal"),
    notStrictEqual: relation("notStrictEqual", (a, b) => !Object.is(a, b), "strictly unequal"),
    deepEqual: relation("deepEqual", (a, b) => deepEqual(a, b, false), "loosely deep-equal"),
    notDeepEqual: relation("notDeepEqual", (a, b) => !deepEqual(a, b, false), "loosely unequal in depth"),
    deepStrictEqual: relation("deepStrictEqual", (a, b) => deepEqual(a, b, true), "strictly deep-equal"),
    notDeepStrictEqual: relation("notDeepStrictEqual", (a, b) => !deepEqual(a, b, true), "strictly unequal in depth"),
    match: (text, pattern, message) => check(pattern.test(text), message, `The input did not match ${pattern}: ${inspect(text)}`, { actual: text, expected: pattern, operator: "match" }),
    doesNotMatch: (text, pattern, message) => check(!pattern.test(text), message, `The input matched ${pattern}: ${inspect(text)}`, { actual: text, expected: pattern, operator: "doesNotMatch" }),
    throws(run, expected, message) {
        try {
            run();
        } catch (error) {
            if (!fits(error, typeof expected === "string" ? undefined : expected)) throw error;
            return;
        }
        check(false, typeof expected === "string" ? expected : message, "Missing expected exception.", { operator: "throws" });
    },
    async rejects(promise, expected, message) {
        try {
            await (typeof promise === "function" ? promise() : promise);
        } catch (error) {
            if (!fits(error, typeof expected === "string" ? undefined : expected)) throw error;
            return;
        }
        check(false, typeof expected === "string" ? expected : message, "Missing expected rejection.", { operator: "rejects" });
    },
    doesNotThrow: (run) => void run(),
    ifError(value) {
        if (value !== null && value !== undefined) throw value;
    },
});
assert.strict = assert;
