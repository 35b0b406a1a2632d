// `process.exit`. It throws what no script should catch; one that does finds that nothing it can reach works any more.

import { defineProperty, freeze } from "./primordials.js";

export const EXIT = freeze(defineProperty({ __proto__: null }, "message", { value: "the script called process.exit", enumerable: true }));

let code;

/** Ends the script. */
export function exit(value) {
    code ??= value;
    throw EXIT;
}

/** Throws when the script has called `exit`. */
export function exiting() {
    if (code !== undefined) throw EXIT;
}

/** The code of the call, and forgets it. */
export function takeExit() {
    const taken = code;
    code = undefined;
    return taken;
}

export const hasExited = () => code !== undefined;
