// `performance`, which begins with the run: the engine's own clock began when the snapshot was made.

import { define } from "./define.js";

const engine = globalThis.performance;
const sinceSnapshot = engine.now.bind(engine);
let begin = sinceSnapshot();

/** The run begins. */
export function beginRun() {
    begin = sinceSnapshot();
}

/** Milliseconds since then. */
export const now = () => sinceSnapshot() - begin;

const performance = {
    now,
    get timeOrigin() {
        return Date.now() - now();
    },
    mark: (name) => ({ name: String(name), entryType: "mark", startTime: now(), duration: 0 }),
    measure: (name) => ({ name: String(name), entryType: "measure", startTime: 0, duration: now() }),
    toJSON: () => ({ timeOrigin: performance.timeOrigin }),
};
define(performance, { [Symbol.toStringTag]: "Performance" });
define(globalThis, { performance });
