// Key-value stores and databases.

import kvHost from "bailiwick:host/kv";
import sqlHost from "bailiwick:host/sql";
import { data, decode, text } from "../bytes.js";
import { ask } from "../errors.js";

/** What a value is stored as: text and bytes as they are, others as JSON. */
function stored(value) {
    if (typeof value === "string" || ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return data(value);
    const json = JSON.stringify(value);
    if (json === undefined) throw new TypeError(`a value is text, bytes, or what JSON can say, not ${typeof value}`);
    return data(json);
}

const whole = (value, what, least = Number.MIN_SAFE_INTEGER) => {
    const number = Number(value);
    if (!Number.isSafeInteger(number) || number < least) throw new RangeError(`${what} is a whole number${least === 0 ? ", and not negative" : ""}`);
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
            ask(at("set", text(key)), kvHost.set, store, text(key), stored(value), ttl === undefined ? null : whole(ttl, "`ttl`", 0));
        },
        delete: (key) => ask(at("delete", text(key)), kvHost.delete, store, text(key)),
        has: (key) => bytes(key) !== null && bytes(key) !== undefined,
        /** Names directly below a prefix. */
        list(prefix = "", { after, limit = 1000 } = {}) {
            const most = Math.min(1000, whole(limit, "`limit`", 0));
            return ask(at("list", text(prefix)), kvHost.list, store, text(prefix), after === undefined ? null : text(after), most);
        },
        increment: (key, by = 1) => Number(ask(at("set", text(key)), kvHost.increment, store, text(key), whole(by, "what is added"))),
        /** Sets a value if the present one is `expected` (`null`: there is none). */
        swap: (key, expected, value) =>
            ask(at(optional(value) === null ? "delete" : "set", text(key)), kvHost.swap, store, text(key), optional(expected), optional(value)),
    };
}

/** One database, as in `bailiwick.sql("ledger").query("select * from t where id = ?", [1])`. */
export function sql(name) {
    const database = text(name);
    const run = (statement, parameters = []) => {
        let answer;
        const what = `sql ${database}: ${String(statement).split(/\s+/).join(" ").trim().slice(0, 200)}`;
        for (const value of Object.values(parameters ?? [])) fitting(value);
        try {
            answer = ask(what, sqlHost.query, database, text(statement), text(JSON.stringify(parameters, outgoing)));
        } catch (error) {
            const explained = error.code === "failed.sql_statement" || error.code === "failed.sql_constraint";
            const said = explained ? sqlHost.message() : "";
            if (said !== "") error.message = `[${error.code}] ${said}`;
            throw error;
        }
        const { columns, rows, changes } = LONG.test(answer) ? JSON.parse(answer, exact) : JSON.parse(answer);
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

/** Objects but bytes and dates are no values of a database. */
function fitting(value) {
    const plain = value === null || typeof value !== "object" || ArrayBuffer.isView(value) || value instanceof ArrayBuffer || value instanceof Date;
    if (!plain) throw new TypeError("a parameter is null, a boolean, a number, a bigint, text, bytes or a date");
}

/** Bytes cross as Base64, and a bigint as the number that it is; dates are ISO 8601 by themselves. */
function outgoing(key, value) {
    const raw = this[key];
    if (ArrayBuffer.isView(raw) || raw instanceof ArrayBuffer) return { $bytes: data(raw).toBase64() };
    if (typeof value !== "bigint") return value;
    if (BigInt.asIntN(64, value) !== value) throw new RangeError("an integer has at most 64 bits");
    return JSON.rawJSON(String(value));
}

/** An answer may hold an integer that no number is. */
const LONG = /[0-9]{16}/;

/** Integers beyond those that numbers tell apart are bigints. */
function exact(key, value, context) {
    return typeof value === "number" && !Number.isSafeInteger(value) && /^-?[0-9]+$/.test(context.source) ? BigInt(context.source) : value;
}

function incoming(value) {
    return typeof value === "object" && value !== null && typeof value.$bytes === "string" ? Uint8Array.fromBase64(value.$bytes) : value;
}
