// How errors are shown: the whole of it on stderr, one line to the host.

import { String, includes, isError, joinStrings, push, replaceText, slice, split } from "../primordials.js";
import { text } from "../bytes.js";
import { inspect } from "../web/inspect.js";

/** Frames of the runner itself, and of builtins without a place. */
const OWN = "componentize-qjs:";
const LINE_CHARACTERS = 1000;

/** An error as people read it, with the frames that are the script's own. */
export function describe(error) {
    if (!isError(error)) return `Uncaught ${inspect(error)}`;
    return inspect(error);
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

/** `Name: message`. */
export function summary(error) {
    const name = String(error.name ?? "Error");
    const message = String(error.message ?? "");
    if (message === "") return name;
    return name === "" ? message : `${name}: ${message}`;
}

/** The frames of a stack that belong to scripts, each in a line. */
export function frames(stack) {
    if (typeof stack !== "string") return "";
    const kept = [];
    for (const line of split(stack, "\n")) {
        if (line !== "" && !includes(line, OWN) && !includes(line, "(native)")) push(kept, line);
    }
    return joinStrings(kept, "\n");
}
