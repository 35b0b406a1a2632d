// `EventTarget`, `AbortController`, and the microtask queue.

import { DOMException, named } from "../errors.js";
import { setTimeout } from "../timers.js";
import { define } from "./define.js";
import { now } from "./performance.js";

const enqueue = globalThis.queueMicrotask;

class Event {
    #type;
    #cancelable;
    #bubbles;
    #prevented = false;
    #stopped = false;
    #target = null;
    timeStamp = now();
    constructor(type, { bubbles = false, cancelable = false } = {}) {
        this.#type = String(type);
        this.#bubbles = Boolean(bubbles);
        this.#cancelable = Boolean(cancelable);
    }
    get type() {
        return this.#type;
    }
    get target() {
        return this.#target;
    }
    get currentTarget() {
        return this.#target;
    }
    get bubbles() {
        return this.#bubbles;
    }
    get cancelable() {
        return this.#cancelable;
    }
    get defaultPrevented() {
        return this.#prevented;
    }
    preventDefault() {
        if (this.#cancelable) this.#prevented = true;
    }
    stopPropagation() {}
    stopImmediatePropagation() {
        this.#stopped = true;
    }
    static aim(event, target) {
        event.#target = target;
    }
    static stopped(event) {
        return event.#stopped;
    }
}
const { aim, stopped } = Event;
delete Event.aim;
delete Event.stopped;

class CustomEvent extends Event {
    constructor(type, options = {}) {
        super(type, options);
        this.detail = options.detail ?? null;
    }
}

class EventTarget {
    #listeners = new Map();
    addEventListener(type, listener, options) {
        if (listener === null || listener === undefined) return;
        const { once = false, signal } = typeof options === "object" && options !== null ? options : {};
        if (signal?.aborted) return;
        const list = this.#listeners.get(`${type}`) ?? [];
        if (list.some((entry) => entry.listener === listener)) return;
        this.#listeners.set(`${type}`, [...list, { listener, once }]);
        signal?.addEventListener("abort", () => this.removeEventListener(type, listener), { once: true });
    }
    removeEventListener(type, listener) {
        const list = this.#listeners.get(`${type}`);
        if (list) this.#listeners.set(`${type}`, list.filter((entry) => entry.listener !== listener));
    }
    dispatchEvent(event) {
        aim(event, this);
        for (const { listener, once } of this.#listeners.get(event.type) ?? []) {
            if (once) this.removeEventListener(event.type, listener);
            try {
                if (typeof listener === "function") listener.call(this, event);
                else listener.handleEvent(event);
            } catch (error) {
                // As everywhere: the one who dispatches is not the one to blame.
                setTimeout(() => {
                    throw error;
                }, 0);
            }
            if (stopped(event)) break;
        }
        return !event.defaultPrevented;
    }
}

const key = Symbol("AbortSignal");

class AbortSignal extends EventTarget {
    #aborted = false;
    #reason;
    onabort = null;
    constructor(token) {
        if (token !== key) throw new TypeError("an AbortSignal comes from an AbortController");
        super();
    }
    get aborted() {
        return this.#aborted;
    }
    get reason() {
        return this.#reason;
    }
    throwIfAborted() {
        if (this.#aborted) throw this.#reason;
    }
    static abort(reason) {
        const signal = new AbortSignal(key);
        fire(signal, reason);
        return signal;
    }
    static timeout(milliseconds) {
        const signal = new AbortSignal(key);
        setTimeout(() => fire(signal, named("TimeoutError", "the operation timed out")), milliseconds).unref();
        return signal;
    }
    static any(signals) {
        const joined = new AbortSignal(key);
        for (const signal of signals) {
            if (signal.aborted) {
                fire(joined, signal.reason);
                break;
            }
            signal.addEventListener("abort", () => fire(joined, signal.reason), { once: true });
        }
        return joined;
    }
    static fire(signal, reason) {
        if (signal.#aborted) return;
        signal.#aborted = true;
        signal.#reason = reason === undefined ? named("AbortError", "the operation was aborted") : reason;
        const event = new Event("abort");
        if (typeof signal.onabort === "function") signal.onabort.call(signal, event);
        signal.dispatchEvent(event);
    }
}
const fire = AbortSignal.fire;
delete AbortSignal.fire;

class AbortController {
    #signal = new AbortSignal(key);
    get signal() {
        return this.#signal;
    }
    abort(reason) {
        fire(this.#signal, reason);
    }
}

/** What a callback throws ends the run, as in Node; the engine would drop it. */
function queueMicrotask(callback) {
    if (typeof callback !== "function") throw new TypeError("queueMicrotask takes a function");
    enqueue(() => {
        try {
            callback();
        } catch (error) {
            setTimeout(() => {
                throw error;
            }, 0);
        }
    });
}

define(globalThis, { Event, CustomEvent, EventTarget, AbortSignal, AbortController, queueMicrotask, DOMException });
define(globalThis, { self: globalThis, global: globalThis });
