// Timers. There is one thread and nobody else to wait for, so that waiting is the host's `sleep` until the next timer is due.

import script from "bailiwick:host/script";
import { Math, Symbol, TypeError, apply, defineProperties } from "./primordials.js";
import { now } from "./web/performance.js";

const { ceil, max, trunc } = Math;
const sleep = script.sleep;

/** Timers in the order in which they are due: a list, because there are few. */
let first;
let lastId = 0;

/** What `setTimeout` gives: an object as in Node, a number where one is asked for. */
export class Timeout {
    #id;
    constructor(id) {
        this.#id = id;
    }
    static id(value) {
        return typeof value === "object" && value !== null && #id in value ? value.#id : Math.trunc(Number(value));
    }
    ref() {
        return this;
    }
    unref() {
        for (let entry = first; entry; entry = entry.next) if (entry.id === this.#id) entry.idle = true;
        return this;
    }
    hasRef() {
        for (let entry = first; entry; entry = entry.next) if (entry.id === this.#id) return !entry.idle;
        return false;
    }
    close() {
        clear(this);
        return this;
    }
    [Symbol.toPrimitive]() {
        return this.#id;
    }
    [Symbol.dispose]() {
        clear(this);
    }
}

function insert(entry) {
    if (first === undefined || entry.due < first.due) {
        entry.next = first;
        first = entry;
        return;
    }
    let before = first;
    while (before.next !== undefined && before.next.due <= entry.due) before = before.next;
    entry.next = before.next;
    before.next = entry;
}

function add(callback, delay, repeat, values) {
    if (typeof callback !== "function") throw new TypeError("the callback of a timer is a function");
    const wait = +delay;
    const milliseconds = wait >= 1 && wait <= 2_147_483_647 ? trunc(wait) : 1;
    lastId += 1;
    insert({ __proto__: null, id: lastId, due: now() + milliseconds, callback, values, every: repeat ? milliseconds : undefined, idle: false, next: undefined });
    return new Timeout(lastId);
}

function clear(timeout) {
    if (timeout === undefined || timeout === null) return;
    const id = Timeout.id(timeout);
    for (let entry = first, before; entry; before = entry, entry = entry.next) {
        if (entry.id !== id) continue;
        if (before) before.next = entry.next;
        else first = entry.next;
        entry.id = 0;
        return;
    }
    if (current !== undefined && current.id === id) current.every = undefined;
}

/** The timer whose callback runs. */
let current;

/**
 * Waits for the next timer and calls it. False when there is none that a script waits for. What the callback throws passes through.
 */
export function runNext() {
    let waited = first;
    while (waited !== undefined && waited.idle) waited = waited.next;
    if (waited === undefined) return false;
    const entry = first;
    const rest = entry.due - now();
    if (rest > 0) sleep(max(1, ceil(rest)));
    first = entry.next;
    current = entry;
    try {
        apply(entry.callback, undefined, entry.values);
    } finally {
        current = undefined;
        if (entry.every !== undefined) {
            entry.due = now() + entry.every;
            insert(entry);
        }
    }
    return true;
}

/** Forgets every timer. */
export function clearAll() {
    first = undefined;
}

export const setTimeout = (callback, delay, ...values) => add(callback, delay, false, values);
export const setInterval = (callback, delay, ...values) => add(callback, delay, true, values);
export const setImmediate = (callback, ...values) => add(callback, 0, false, values);
export { clear as clearTimeout, clear as clearInterval, clear as clearImmediate };

/** Waits here and now, as `Atomics.wait` would. */
export function sleepNow(milliseconds) {
    const wait = +milliseconds;
    if (wait > 0) sleep(ceil(Math.min(wait, 2_147_483_647)));
}

defineProperties(globalThis, globals({ setTimeout, setInterval, setImmediate, clearTimeout: clear, clearInterval: clear, clearImmediate: clear }));

function globals(functions) {
    const properties = { __proto__: null };
    for (const name in functions) properties[name] = { __proto__: null, value: functions[name], writable: true, enumerable: false, configurable: true };
    return properties;
}
