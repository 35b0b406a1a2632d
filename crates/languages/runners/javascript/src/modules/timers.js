// `timers` and `timers/promises`.

import * as all from "../timers.js";

export const timers = {
    setTimeout: all.setTimeout,
    setInterval: all.setInterval,
    setImmediate: all.setImmediate,
    clearTimeout: all.clearTimeout,
    clearInterval: all.clearInterval,
    clearImmediate: all.clearImmediate,
};

const after = (delay, value, { signal } = {}) => new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const timer = all.setTimeout(() => resolve(value), delay);
    signal?.addEventListener("abort", () => {
        all.clearTimeout(timer);
        reject(signal.reason);
    }, { once: true });
});

export const timersPromises = {
    setTimeout: after,
    setImmediate: (value) => after(0, value),
    async *setInterval(delay, value) {
        for (;;) yield await after(delay, value);
    },
    scheduler: { wait: (delay) => after(delay), yield: () => after(0) },
};
timers.promises = timersPromises;
