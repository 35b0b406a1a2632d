// Globals as the web defines them: writable, configurable, not enumerable.

import { defineProperty } from "../primordials.js";

export function define(target, values) {
    for (const name of Object.keys(values)) {
        defineProperty(target, name, { __proto__: null, value: values[name], writable: true, enumerable: false, configurable: true });
    }
}

/** A global whose value is made when it is first read. */
export function lazily(target, name, make) {
    const set = (value) => define(target, { [name]: value });
    defineProperty(target, name, {
        __proto__: null,
        get() {
            const value = make();
            set(value);
            return value;
        },
        set,
        enumerable: false,
        configurable: true,
    });
}
