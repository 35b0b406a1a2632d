// `performance`, which begins with the run.

import { define } from "./define.js";

const engine = globalThis.performance;
const now = engine.now.bind(engine);

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
