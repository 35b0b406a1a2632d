// `%s` and the rest of them.

import { inspect } from "./inspect.js";

/** What `console.log` prints for these values. */
export function format(...values) {
    return formatWith({}, values);
}

export function formatWith(options, values) {
    const [first, ...rest] = values;
    if (typeof first !== "string") return values.map((value) => plain(value, options)).join(" ");
    if (rest.length === 0) return first;
    let used = 0;
    const text = first.replace(/%[sdifjoOc%]/g, (mark) => {
        if (mark === "%%") return "%";
        if (used >= rest.length) return mark;
        const value = rest[used];
        used += 1;
        switch (mark) {
            case "%s":
                return typeof value === "object" && value !== null ? inspect(value, { ...options, depth: 0 }) : typeof value === "bigint" ? `${value}n` : String(value);
            case "%d":
                return typeof value === "object" ? "NaN" : String(Number(value));
            case "%i":
                return String(Number.parseInt(value, 10));
            case "%f":
                return String(Number.parseFloat(value));
            case "%j":
                return JSON.stringify(value);
            case "%c":
                return "";
            default:
                return inspect(value, { ...options, depth: mark === "%o" ? 4 : 2 });
        }
    });
    return [text, ...rest.slice(used).map((value) => plain(value, options))].join(" ");
}

const plain = (value, options) => (typeof value === "string" ? value : inspect(value, options));
