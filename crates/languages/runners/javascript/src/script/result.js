// The result of an execution: the variable `result` if the script set it, else the value of its last expression.

import { TypeError, evaluateGlobally, includes, is, stringifyJson, toWellFormed } from "../primordials.js";
import { text } from "../bytes.js";
import { Timeout } from "../timers.js";

/** Reads the variable, which may be lexical, and may be one that was declared and never reached. */
function variable() {
    try {
        return evaluateGlobally("typeof result === 'undefined' ? undefined : result");
    } catch {
        return undefined;
    }
}

/** Whether a script so far has had the word in it: looking for the variable is not free. */
let mentioned = false;

/** Looks at the variable before a script runs. `result(last)` says what came out: `{ json }`, `{ error }`, `{ note }`, or nothing. */
export function watch(source) {
    const before = mentioned ? variable() : undefined;
    mentioned ||= includes(source, "result");
    return {
        result(last) {
            const after = mentioned ? variable() : undefined;
            const set = after !== undefined && !is(before, after);
            if (!set && (typeof last === "function" || typeof last === "symbol" || last instanceof Timeout)) return {};
            const { json: written, error } = json(set ? after : last);
            if (error === undefined) return { json: written };
            // A script that only ended with a call meant nothing by what that gave.
            if (!set) return { note: `no result: the value of the last expression is not JSON: ${error}` };
            return { error: new TypeError(`the result is not JSON: ${error}`) };
        },
    };
}

function json(value) {
    if (value === undefined) return {};
    try {
        const written = stringifyJson(value);
        if (written === undefined) throw new TypeError(`a ${typeof value} has no JSON`);
        return { json: toWellFormed(written) };
    } catch (error) {
        return { error: reason(value, error) };
    }
}

function reason(value, error) {
    if (typeof value === "bigint") return "a BigInt has no JSON; convert it, as in `String(value)` or `Number(value)`";
    try {
        return text(error.message ?? error);
    } catch {
        return "it cannot be written";
    }
}
