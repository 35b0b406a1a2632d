// What a script prints. It goes to the host at once: a run that is stopped in the next line has said what it said.

import script from "bailiwick:host/script";
import { text, view } from "./bytes.js";
import { utf8View } from "./engine.js";
import { exiting } from "./exit.js";
import { subarray } from "./primordials.js";

const print = script.print;
/** Bytes that go to the host in one call. There is a most, and over it the run would end. */
const PIECE = 1024 * 1024;

/** To `stdout` or `stderr`; text or bytes. */
export function write(stream, content) {
    exiting();
    const bytes = typeof content === "string" ? utf8View(text(content)) : view(content);
    for (let at = 0; at === 0 || at < bytes.length; at += PIECE) print(stream, bytes.length <= PIECE ? bytes : subarray(bytes, at, at + PIECE));
}
