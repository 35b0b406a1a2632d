// Values as text, in the manner of Node's `util.inspect`.

import { frames } from "../script/report.js";
import { summary } from "../stack.js";

const WIDTH = 80;
const MOST_ITEMS = 100;
const MOST_CHARACTERS = 10_000;
export const CUSTOM = Symbol.for("nodejs.util.inspect.custom");

const DEFAULTS = { depth: 2, showHidden: false, compact: 3, breakLength: WIDTH, sorted: false };

/** The text of any value. `options.depth` says how deep objects are opened. */
export function inspect(value, options) {
    const given = typeof options === "object" && options !== null ? options : {};
    const state = { ...DEFAULTS, ...given, seen: [], circular: new Map(), indent: 0, last: 0 };
    if (state.depth === null) state.depth = Infinity;
    return show(value, state, 0, false);
}

function show(value, state, level, typed) {
    switch (typeof value) {
        case "string":
            return quote(value);
        case "number":
            return Object.is(value, -0) ? "-0" : String(value);
        case "bigint":
            return `${value}n`;
        case "symbol":
            return value.toString();
        case "undefined":
        case "boolean":
            return String(value);
        default:
            return value === null ? "null" : showObject(value, state, level, typed);
    }
}

export function quote(value) {
    const cut = value.length > MOST_CHARACTERS ? value.slice(0, MOST_CHARACTERS) : value;
    const mark = !cut.includes("'") ? "'" : !cut.includes('"') ? '"' : !cut.includes("`") && !cut.includes("${") ? "`" : "'";
    let text = JSON.stringify(cut).slice(1, -1).replaceAll('\\"', '"');
    if (mark === "'") text = text.replaceAll("'", "\\'");
    else if (mark === '"') text = text.replaceAll('"', '\\"');
    const rest = value.length - cut.length;
    return `${mark}${text}${mark}${rest > 0 ? `... ${rest} more character${rest > 1 ? "s" : ""}` : ""}`;
}

function showObject(value, state, level) {
    const custom = value[CUSTOM];
    if (typeof custom === "function" && custom !== inspect) {
        const shown = custom.call(value, state.depth - level, { ...state }, inspect);
        if (shown !== value) return typeof shown === "string" ? shown.replaceAll("\n", `\n${" ".repeat(state.indent)}`) : show(shown, state, level);
    }
    if (state.seen.includes(value)) {
        if (!state.circular.has(value)) state.circular.set(value, state.circular.size + 1);
        return `[Circular *${state.circular.get(value)}]`;
    }
    const form = formOf(value, state);
    if (level > state.depth && form.opens !== false) return form.short ?? `[${form.name}]`;
    state.seen.push(value);
    const before = state.last;
    state.last = level;
    let items;
    try {
        items = form.items(level);
        const keys = propertiesOf(value, form, state);
        state.indent += 2;
        for (const key of keys) items.push(showProperty(value, key, state, level, form.isArray));
        state.indent -= 2;
    } finally {
        state.seen.pop();
    }
    const number = state.circular.get(value);
    const head = number === undefined ? "" : `<ref *${number}> `;
    if (items.length === 0) {
        state.last = before;
        return head + (form.bare ?? `${form.prefix ? `${form.prefix} ` : ""}${form.open}${form.close}`);
    }
    const open = `${head}${form.prefix ? `${form.prefix} ` : ""}${form.open}`;
    return layOut(items, open, form, state, level);
}

/** Where items go: into one line when they are short and the last of them opens few levels, as in Node. */
function layOut(items, open, form, state, level) {
    const grouped = form.isArray && items.length > 6 ? group(items, form, state) : items;
    const whole = grouped === items;
    if (whole && state.last - level < state.compact) {
        const length = items.reduce((sum, item) => sum + item.length, 0) + items.length;
        const start = items.length + state.indent + open.length + 10;
        if (length + start <= state.breakLength && !items.some((item) => item.includes("\n"))) return `${open} ${items.join(", ")} ${form.close}`;
    }
    const indent = " ".repeat(state.indent);
    return `${open}\n${indent}  ${grouped.join(`,\n${indent}  `)}\n${indent}${form.close}`;
}

/** Long lists of short items go into columns. */
function group(items, form, state) {
    const extra = form.more ? 1 : 0;
    const count = items.length - extra;
    const lengths = [];
    let total = 0;
    let longest = 0;
    for (let at = 0; at < count; at += 1) {
        if (items[at].includes("\n")) return items;
        lengths.push(items[at].length);
        total += items[at].length + 2;
        longest = Math.max(longest, items[at].length);
    }
    const width = longest + 2;
    if (width * 3 + state.indent >= state.breakLength || !(total / width > 5 || longest <= 6)) return items;
    const biased = Math.max(width - 3 - Math.sqrt(width - total / items.length), 1);
    const columns = Math.min(
        Math.round(Math.sqrt(2.5 * biased * count) / biased),
        Math.floor((state.breakLength - state.indent) / width),
        state.compact * 4,
        15,
    );
    if (columns <= 1) return items;
    const widths = [];
    for (let column = 0; column < columns; column += 1) {
        let most = 0;
        for (let at = column; at < count; at += columns) most = Math.max(most, lengths[at]);
        widths.push(most + 2);
    }
    const right = form.numeric;
    const rows = [];
    for (let at = 0; at < count; at += columns) {
        const end = Math.min(at + columns, count);
        let row = "";
        for (let item = at; item < end; item += 1) {
            const cell = item < end - 1 ? `${items[item]}, ` : items[item];
            const room = widths[item - at] - (item < end - 1 ? 0 : 2);
            row += right ? cell.padStart(room) : item < end - 1 ? cell.padEnd(room) : cell;
        }
        rows.push(row);
    }
    if (extra) rows.push(items[count]);
    return rows;
}

function propertiesOf(value, form, state) {
    let keys = Object.keys(value);
    if (form.isArray) keys = keys.filter((key) => !isIndex(key, value.length));
    if (form.hidden) keys = keys.filter((key) => !form.hidden.includes(key));
    for (const symbol of Object.getOwnPropertySymbols(value)) {
        if (Object.prototype.propertyIsEnumerable.call(value, symbol)) keys.push(symbol);
    }
    if (form.extra) for (const key of form.extra) if (Object.hasOwn(value, key) && !keys.includes(key)) keys.push(key);
    if (state.sorted) keys.sort();
    return keys;
}

const isIndex = (key, length) => /^(?:0|[1-9]\d*)$/.test(key) && Number(key) < length;

function showProperty(value, key, state, level, isArray) {
    const property = Object.getOwnPropertyDescriptor(value, key) ?? { value: value[key], enumerable: true };
    let shown;
    if (property.get !== undefined) shown = property.set !== undefined ? "[Getter/Setter]" : "[Getter]";
    else if (property.set !== undefined) shown = "[Setter]";
    else shown = show(property.value, state, level + 1);
    if (typeof key === "symbol") return `[${key.toString()}]: ${shown}`;
    const name = property.enumerable ? (/^[A-Za-z_$][\w$]*$/.test(key) ? key : quote(key)) : `[${key}]`;
    return `${name}: ${shown}`;
}

// ----------------------------------------------------------------------------------------------------------------------- kinds of objects

function constructorOf(value) {
    for (let object = value; object !== null; object = Object.getPrototypeOf(object)) {
        const property = Object.getOwnPropertyDescriptor(object, "constructor");
        if (typeof property?.value === "function" && property.value.name !== "") return property.value.name;
    }
    return null;
}

function formOf(value, state) {
    if (typeof value === "function") return functionForm(value);
    const constructor = constructorOf(value);
    const tag = typeof value[Symbol.toStringTag] === "string" && value[Symbol.toStringTag] !== constructor ? ` [${value[Symbol.toStringTag]}]` : "";
    const name = constructor ?? "[Object: null prototype]";
    const nested = (level, list) => within(state, () => list.map((item) => show(item, state, level + 1)));
    if (Array.isArray(value)) return arrayForm(value, name === "Array" ? "" : `${name}(${value.length})`, name, state);
    if (Error.isError(value)) return errorForm(value, state);
    if (ArrayBuffer.isView(value) && !(value instanceof DataView)) return arrayForm(value, `${name}(${value.length})`, name, state);
    if (value instanceof Map) {
        const items = (level) => within(state, () => [...Map.prototype.entries.call(value)].map(([key, item]) => `${show(key, state, level + 1)} => ${show(item, state, level + 1)}`));
        return { name, prefix: `${name}(${value.size})${tag === " [Map]" ? "" : tag}`, open: "{", close: "}", items };
    }
    if (value instanceof Set) {
        return { name, prefix: `${name}(${value.size})${tag === " [Set]" ? "" : tag}`, open: "{", close: "}", items: (level) => nested(level, [...Set.prototype.values.call(value)]) };
    }
    const plain = (bare, extra) => ({ name, prefix: bare, open: "{", close: "}", bare, items: () => [], opens: false, ...extra });
    if (value instanceof Date) return plain(Number.isNaN(value.getTime()) ? "Invalid Date" : Date.prototype.toISOString.call(value));
    if (value instanceof RegExp) return plain(RegExp.prototype.toString.call(value));
    if (value instanceof Promise) return { name, prefix: name, open: "{", close: "}", items: () => [], bare: `${name} {}` };
    if (value instanceof WeakMap || value instanceof WeakSet || value instanceof WeakRef) return plain(`${name} { <items unknown> }`);
    if (value instanceof ArrayBuffer) {
        const bytes = [...new Uint8Array(value, 0, Math.min(50, value.byteLength))].map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
        return { name, prefix: name, open: "{", close: "}", items: () => [`[Uint8Contents]: <${bytes}>`, `byteLength: ${value.byteLength}`] };
    }
    for (const [Boxed, kind] of [[Number, "Number"], [String, "String"], [Boolean, "Boolean"], [BigInt, "BigInt"], [Symbol, "Symbol"]]) {
        if (value instanceof Boxed) {
            const hidden = kind === "String" ? Object.keys(value.valueOf()) : undefined;
            return plain(`[${kind}: ${show(value.valueOf(), state, 0)}]`, { hidden });
        }
    }
    const prefix = name === "Object" ? tag.trim() && `Object${tag}` : `${name}${tag}`;
    return { name: constructor === null ? "Object: null prototype" : name, prefix, open: "{", close: "}", bare: prefix ? `${prefix} {}` : "{}", items: () => [], short: constructor === null ? "[Object: null prototype]" : `[${name}${tag}]` };
}

function within(state, make) {
    state.indent += 2;
    try {
        return make();
    } finally {
        state.indent -= 2;
    }
}

function arrayForm(value, prefix, name, state) {
    const items = (level) => within(state, () => {
        const shown = [];
        const length = Math.min(value.length, MOST_ITEMS);
        for (let at = 0; at < length; at += 1) {
            if (at in value) {
                shown.push(show(value[at], state, level + 1));
                continue;
            }
            let holes = 1;
            while (at + 1 < value.length && !(at + 1 in value)) (holes += 1), (at += 1);
            shown.push(`<${holes} empty item${holes > 1 ? "s" : ""}>`);
        }
        const rest = value.length - length;
        if (rest > 0) shown.push(`... ${rest} more item${rest > 1 ? "s" : ""}`);
        return shown;
    });
    const numeric = value.length > 0 && (ArrayBuffer.isView(value) || value.slice(0, MOST_ITEMS).every((item) => typeof item === "number" || typeof item === "bigint"));
    return { name, prefix, open: "[", close: "]", isArray: true, items, numeric, more: value.length > MOST_ITEMS };
}

function functionForm(value) {
    const source = Function.prototype.toString.call(value);
    const name = typeof value.name === "string" && value.name !== "" ? value.name : undefined;
    let bare;
    if (source.startsWith("class") && !source.startsWith("class(")) {
        const parent = Object.getPrototypeOf(value)?.name;
        bare = `[class ${name ?? "(anonymous)"}${parent ? ` extends ${parent}` : ""}]`;
    } else {
        const kind = Object.prototype.toString.call(value).slice(8, -1);
        bare = `[${kind}${name ? `: ${name}` : " (anonymous)"}]`;
    }
    return { name: bare, prefix: bare, open: "{", close: "}", bare, items: () => [], opens: false };
}

function errorForm(value, state) {
    const lines = frames(value.stack);
    const head = summary(value);
    const bare = (lines === "" ? (state.seen.length > 0 ? `[${head}]` : head) : `${head}\n${lines}`).replaceAll("\n", `\n${" ".repeat(state.indent)}`);
    const form = { name: bare, prefix: bare, open: "{", close: "}", bare, items: () => [], opens: false, hidden: ["stack", "message", "line", "column"] };
    form.extra = ["cause", "errors"];
    if (typeof value.name === "string" && head.startsWith(value.name)) form.hidden.push("name");
    return form;
}
