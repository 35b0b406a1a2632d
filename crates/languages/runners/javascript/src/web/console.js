// `console`: what informs goes to stdout, what warns to stderr.

import { write } from "../output.js";
import { frames } from "../script/report.js";
import { define } from "./define.js";
import { formatWith } from "./format.js";
import { inspect } from "./inspect.js";
import { now } from "./performance.js";

const counts = new Map();
const clocks = new Map();
let indent = "";

function print(stream, values, options = {}) {
    const text = formatWith(options, values);
    write(stream, `${indent === "" ? text : indent + text.replaceAll("\n", `\n${indent}`)}\n`);
}

function table(rows, columns) {
    if (typeof rows !== "object" || rows === null) return print("stdout", [rows]);
    const entries = rows instanceof Map ? [...rows].map(([key, value], at) => [String(at), { Key: key, Values: value }])
        : rows instanceof Set ? [...rows].map((value, at) => [String(at), value])
        : Object.entries(rows);
    const names = [];
    let values = false;
    for (const [, row] of entries) {
        if (typeof row === "object" && row !== null) {
            for (const name of Object.keys(row)) if (!names.includes(name)) names.push(name);
        } else {
            values = true;
        }
    }
    const shown = columns ?? names;
    const head = [rows instanceof Map || rows instanceof Set ? "(iteration index)" : "(index)", ...shown, ...(values ? ["Values"] : [])];
    const lines = entries.map(([index, row]) => {
        const isObject = typeof row === "object" && row !== null;
        const cells = shown.map((name) => (isObject && Object.hasOwn(row, name) ? cell(row[name]) : ""));
        return [index, ...cells, ...(values ? [isObject ? "" : cell(row)] : [])];
    });
    const widths = head.map((name, at) => Math.max(name.length, ...lines.map((line) => line[at].length)) + 2);
    const rule = (left, middle, right) => left + widths.map((width) => "─".repeat(width)).join(middle) + right;
    const row = (cells) => `│${cells.map((text, at) => ` ${text}`.padEnd(widths[at])).join("│")}│`;
    return print("stdout", [[rule("┌", "┬", "┐"), row(head), rule("├", "┼", "┤"), ...lines.map(row), rule("└", "┴", "┘")].join("\n")]);
}

const cell = (value) => inspect(value, { depth: typeof value === "object" && value !== null && !Array.isArray(value) ? -1 : 0 });

function elapsed(label) {
    const begun = clocks.get(label);
    if (begun === undefined) return undefined;
    const milliseconds = now() - begun;
    return milliseconds >= 1000 ? `${(milliseconds / 1000).toFixed(3)}s` : `${milliseconds.toFixed(3)}ms`;
}

const console = {
    log: (...values) => print("stdout", values),
    info: (...values) => print("stdout", values),
    debug: (...values) => print("stdout", values),
    warn: (...values) => print("stderr", values),
    error: (...values) => print("stderr", values),
    trace(...values) {
        const lines = frames(new Error().stack);
        print("stderr", [`Trace${values.length > 0 ? `: ${formatWith({}, values)}` : ""}${lines === "" ? "" : `\n${lines}`}`]);
    },
    dir: (value, options) => print("stdout", [inspect(value, options)]),
    dirxml: (...values) => print("stdout", values),
    table,
    assert(condition, ...values) {
        if (condition) return;
        const [first, ...rest] = values;
        print("stderr", typeof first === "string" ? [`Assertion failed: ${first}`, ...rest] : ["Assertion failed", ...values]);
    },
    count(label = "default") {
        const count = (counts.get(`${label}`) ?? 0) + 1;
        counts.set(`${label}`, count);
        print("stdout", [`${label}: ${count}`]);
    },
    countReset: (label = "default") => void counts.delete(`${label}`),
    group(...values) {
        if (values.length > 0) print("stdout", values);
        indent += "  ";
    },
    groupEnd() {
        indent = indent.slice(2);
    },
    time: (label = "default") => void clocks.set(`${label}`, now()),
    timeLog(label = "default", ...values) {
        const text = elapsed(`${label}`);
        if (text !== undefined) print("stdout", [`${label}: ${text}`, ...values]);
    },
    timeEnd(label = "default") {
        const text = elapsed(`${label}`);
        clocks.delete(`${label}`);
        if (text !== undefined) print("stdout", [`${label}: ${text}`]);
    },
    clear() {},
};
console.groupCollapsed = console.group;

define(console, { [Symbol.toStringTag]: "console" });
define(globalThis, { console });
