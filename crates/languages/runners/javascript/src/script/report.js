// How errors are shown: the whole of it on stderr, one line to the host.

import { isError, joinStrings, push, replaceText, slice, split, startsWith } from "../primordials.js";
import { text } from "../bytes.js";
import { summary } from "../stack.js";
import { inspect } from "../web/inspect.js";

const LINE_CHARACTERS = 1000;

/** An error as people read it, with its places. `prefix` says how it came here. */
export function describe(error, prefix = "") {
    return `${isError(error) ? prefix : prefix || "Uncaught "}${inspect(error)}`;
}

/** One line, such as `TypeError: boom`. Never throws. */
export function headline(error) {
    let line;
    try {
        line = isError(error) ? summary(error) : `Uncaught ${typeof error === "string" ? error : inspect(error)}`;
    } catch {
        line = "Error: the script threw something that cannot be shown";
    }
    return slice(replaceText(text(line), /[\r\n\u2028\u2029]+/g, " "), 0, LINE_CHARACTERS);
}

/** The places in a stack, each in a line. */
export function frames(stack) {
    if (typeof stack !== "string") return "";
    const kept = [];
    for (const line of split(stack, "\n")) {
        if (startsWith(line, "    at ")) push(kept, line);
    }
    return joinStrings(kept, "\n");
}
