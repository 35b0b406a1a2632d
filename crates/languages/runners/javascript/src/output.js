// What a script prints. It goes to the host at once: a run that is stopped in the next line has said what it said.

import script from "bailiwick:host/script";
import { text, view } from "./bytes.js";
import { utf8View } from "./engine.js";
import { exiting } from "./exit.js";

const print = script.print;

/** To `stdout` or `stderr`; text or bytes. */
export function write(stream, content) {
    exiting();
    print(stream, typeof content === "string" ? utf8View(text(content)) : view(content));
}
