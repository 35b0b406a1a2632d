// Key-value stores and databases.

import kvHost from "bailiwick:host/kv";
import sqlHost from "bailiwick:host/sql";
import { data, decode, kindOf, text, whole, words } from "../bytes.js";
import { ask } from "../errors.js";

/** What a value is stored as: text and bytes as they are, others as JSON. */
function stored(value) {
    if (typeof value === "string" || ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return data(value);
    const json = JSON.stringify(value);
    if (json === undefined) throw new TypeError(`a value is text, bytes, or what JSON can say, not ${typeof value}`);
    return data(json);
}

const named = (key) => words(key, "a key");
const optional = (value) => (value === undefined || value === null ? null : stored(value));

/** One store, as in `bailiwick.kv("cache")`. */
export function kv(name) {
    const store = words(name, "the name of a store");
    const call = (action, operation, key, b, c) => ask(`kv ${action} ${store}/${key}`, operation, store, key, b, c);
    const bytes = (key) => call("get", kvHost.get, named(key));
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
            call("set", kvHost.set, named(key), stored(value), ttl === undefined ? null : whole(ttl, "`ttl`", 0));
        },
        delete: (key) => call("delete", kvHost.delete, named(key)),
        has: (key) => bytes(key) !== null && bytes(key) !== undefined,
        /** Names directly below a prefix. */
        list(prefix = "", { after, limit = 1000 } = {}) {
            const most = Math.min(1000, whole(limit, "`limit`", 0));
            return call("list", kvHost.list, words(prefix, "a prefix"), after === undefined ? null : words(after, "`after`"), most);
        },
        increment: (key, by = 1) => Number(call("set", kvHost.increment, named(key), whole(by, "what is added", Number.MIN_SAFE_INTEGER))),
        /** Sets a value if the present one is `expected` (`null`: there is none). */
        swap: (key, expected, value) =>
            call(optional(value) === null ? "delete" : "set", kvHost.swap, named(key), optional(expected), optional(value)),
    };
}

/** One database, as in `bailiwick.sql("ledger").query("select * from t where id = ?", [1])`. */
export function sql(name) {
    const database = words(name, "the name of a database");
    const run = (statement, parameters = []) => {
        let answer;
        const asked = words(statement, "a statement");
        const what = `sql ${database}: ${asked.slice(0, 2000).split(/\s+/).join(" ").trim().slice(0, 200)}`;
        if (typeof parameters !== "object" || parameters === null || ArrayBuffer.isView(parameters)) throw new TypeError(`parameters are an array for \`?\`, or an object for \`:name\`, not ${kindOf(parameters)}; one value is \`[value]\``);
        for (const value of Object.values(parameters)) fitting(value);
        try {
            answer = ask(what, sqlHost.query, database, asked, text(JSON.stringify(parameters, outgoing)));
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
