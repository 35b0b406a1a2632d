// `events`.

export class EventEmitter {
    #listeners = new Map();
    static defaultMaxListeners = 10;
    on(name, listener) {
        return add(this.#listeners, this, name, listener, false);
    }
    addListener(name, listener) {
        return this.on(name, listener);
    }
    prependListener(name, listener) {
        return add(this.#listeners, this, name, listener, true);
    }
    once(name, listener) {
        const wrapped = (...values) => {
            this.off(name, wrapped);
            listener.apply(this, values);
        };
        wrapped.listener = listener;
        return this.on(name, wrapped);
    }
    off(name, listener) {
        const list = this.#listeners.get(name) ?? [];
        const at = list.findLastIndex((entry) => entry === listener || entry.listener === listener);
        if (at >= 0) this.#listeners.set(name, list.toSpliced(at, 1));
        return this;
    }
    removeListener(name, listener) {
        return this.off(name, listener);
    }
    removeAllListeners(name) {
        if (name === undefined) this.#listeners.clear();
        else this.#listeners.delete(name);
        return this;
    }
    emit(name, ...values) {
        const list = this.#listeners.get(name) ?? [];
        if (list.length === 0 && name === "error") throw Error.isError(values[0]) ? values[0] : new Error(`Unhandled error. (${values[0]})`);
        for (const listener of list) listener.apply(this, values);
        return list.length > 0;
    }
    listenerCount(name) {
        return this.#listeners.get(name)?.length ?? 0;
    }
    listeners(name) {
        return (this.#listeners.get(name) ?? []).map((entry) => entry.listener ?? entry);
    }
    eventNames() {
        return [...this.#listeners.keys()].filter((name) => this.listenerCount(name) > 0);
    }
    setMaxListeners() {
        return this;
    }
}

function add(listeners, emitter, name, listener, first) {
    if (typeof listener !== "function") throw new TypeError("a listener is a function");
    const list = listeners.get(name) ?? [];
    listeners.set(name, first ? [listener, ...list] : [...list, listener]);
    return emitter;
}

/** A promise of the values of the next event of this name. */
const once = (emitter, name) => new Promise((resolve, reject) => {
    emitter.once(name, (...values) => resolve(values));
    if (name !== "error") emitter.once("error", reject);
});

export const eventsModule = Object.assign(EventEmitter, { EventEmitter, once });
