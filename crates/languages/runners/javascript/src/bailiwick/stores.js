// Key-value stores and databases.

import kvHost from "bailiwick:host/kv";
import sqlHost from "bailiwick:host/sql";
import { data, decode, text } from "../bytes.js";
import { ask } from "../errors.js";

/** What a value is stored as: text and bytes as they are, others as JSON. */
function stored(value) {
    if (typeof value === "string" || ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return data(value);
    const json = JSON.stringify(value);
    if (json === undefined) throw new TypeError(`a ${typeof value} cannot be stored`);
    return data(json);
}

const whole = (value, what) => {
    const number = Number(value);
    if (!Number.isSafeInteger(number)) throw new RangeError(`${what} is a whole number`);
    return number;
};

/** One store, as in `bailiwick.kv("cache")`. */
export function kv(name) {
    const store = text(name);
    const at = (action, key) => `kv ${action} ${store}/${key}`;
    const bytes = (key) => ask(at("get", text(key)), kvHost.get, store, text(key));
    const optional = (value) => (value === undefined || value === null ? null : stored(value));
    return {
        /** The text of a key, or `null`. */
        get(key) {
            const value = bytes(key);
            return value === null || value === undefined ? null : decode(value);
        },
        /** The bytes of a key, or `null`. */
        getBytes: (key) => bytes(key) ?? null,
        /** What was stored as JSON, or `null`. */
        getJson(key) {
            const value = bytes(key);
            return value === null || value === undefined ? null : JSON.parse(decode(value));
        },
        /** Sets text or bytes; other values as JSON. `ttl` in milliseconds. */
        set(key, value, { ttl } = {}) {
            ask(at("set", text(key)), kvHost.set, store, text(key), stored(value), ttl === undefined ? null : Math.abs(whole(ttl, "`ttl`")));
        },
        delete: (key) => ask(at("delete", text(key)), kvHost.delete, store, text(key)),
        has: (key) => bytes(key) !== null && bytes(key) !== undefined,
        /** Names directly below a prefix. */
        list(prefix = "", { after, limit = 1000 } = {}) {
            const most = Math.min(1000, Math.abs(whole(limit, "`limit`")));
            return ask(at("list", text(prefix)), kvHost.list, store, text(prefix), after === undefined ? null : text(after), most);
        },
        increment: (key, by = 1) => Number(ask(at("set", text(key)), kvHost.increment, store, text(key), whole(by, "what is added"))),
        /** Sets a value if the present one is `expected` (`null`: there is none). */
        swap: (key, expected, value) => ask(at("set", text(key)), kvHost.swap, store, text(key), optional(expected), optional(value)),
    };
}

/** One database, as in `bailiwick.sql("ledger").query("select * from t where id = ?", [1])`. */
export function sql(name) {
    const database = text(name);
    const run = (statement, parameters = []) => {
        let answer;
        try {
            answer = ask(`sql ${database}`, sqlHost.query, database, text(statement), text(JSON.stringify(parameters, outgoing)));
        } catch (error) {
            const said = error.code === "failed.sql_statement" ? sqlHost.message() : "";
            if (said !== "") error.message += `: ${said}`;
            throw error;
        }
        const { columns, rows, changes } = JSON.parse(answer);
        return { columns, changes, rows: rows.map((row) => Object.fromEntries(columns.map((column, at) => [column, incoming(row[at])]))) };
    };
    return {
        /** The rows, as objects. */
        query: (statement, parameters) => run(statement, parameters).rows,
        /** The first row, or `null`. */
        first: (statement, parameters) => run(statement, parameters).rows[0] ?? null,
        /** How many rows a statement changed. */
        execute: (statement, parameters) => run(statement, parameters).changes,
        /** `{ columns, rows, changes }`. */
        run,
    };
}

/** Bytes cross as Base64; dates are ISO 8601 by themselves. */
function outgoing(key, value) {
    const raw = this[key];
    if (raw instanceof Uint8Array) return { $bytes: raw.toBase64() };
    return value;
}

function incoming(value) {
    return typeof value === "object" && value !== null && typeof value.$bytes === "string" ? Uint8Array.fromBase64(value.$bytes) : value;
}
