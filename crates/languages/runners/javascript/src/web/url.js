// `URL` and `URLSearchParams`, after the WHATWG's standard. Hosts outside ASCII are written in Punycode of their lower case; nothing more of
// IDNA is done, and the host decides about names anyway.

import { encode, decode } from "../bytes.js";
import { define } from "./define.js";
import { CUSTOM } from "./inspect.js";

const PORTS = { __proto__: null, "http:": "80", "https:": "443", "ws:": "80", "wss:": "443", "ftp:": "21", "file:": "" };
const special = (scheme) => scheme in PORTS;

// ------------------------------------------------------------------------------------------------------------------------ percent-encoding

const FRAGMENT = ' "<>`';
const QUERY = ' "#<>';
const SPECIAL_QUERY = ' "#<>\'';
const PATH = ' "#<>?`{}^';
const USERINFO = ' "#<>?`{}^/:;=@[\\]|';

function percent(text, set) {
    let encoded = "";
    for (const character of text) {
        const code = character.codePointAt(0);
        if (code > 0x1f && code < 0x7f && !set.includes(character)) encoded += character;
        else for (const byte of encode(character)) encoded += `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
    }
    return encoded;
}

function unpercent(text) {
    if (!text.includes("%")) return text;
    const bytes = encode(text);
    const decoded = new Uint8Array(bytes.length);
    let length = 0;
    for (let at = 0; at < bytes.length; at += 1) {
        const pair = bytes[at] === 0x25 ? String.fromCharCode(bytes[at + 1], bytes[at + 2]) : "";
        if (/^[0-9A-Fa-f]{2}$/.test(pair)) {
            decoded[length++] = Number.parseInt(pair, 16);
            at += 2;
        } else {
            decoded[length++] = bytes[at];
        }
    }
    return decode(decoded.subarray(0, length));
}

// ----------------------------------------------------------------------------------------------------------------------------------- hosts

const invalid = (text) => new TypeError(`Invalid URL: ${text}`);

function parseHost(text, isSpecial) {
    if (text.startsWith("[")) {
        if (!text.endsWith("]")) throw invalid(text);
        return `[${parseIpv6(text.slice(1, -1))}]`;
    }
    if (!isSpecial) {
        if (/[\0\t\n\r #/:<>?@[\\\]^|]/.test(text)) throw invalid(text);
        return percent(text, "");
    }
    const name = unpercent(text).normalize("NFKC").toLowerCase().replace(/[\u3002\uff0e\uff61]/g, ".").replace(/\u00ad/g, "");
    const ascii = name.split(".").map((label) => (/^[\x00-\x7f]*$/.test(label) ? label : `xn--${punycode(label)}`)).join(".");
    if (ascii === "" || /[\0-\x20"#%/:<>?@[\\\]^`{|}\x7f]/.test(ascii)) throw invalid(text);
    const labels = ascii.replace(/\.$/, "").split(".");
    return /^(?:\d+|0x[\da-f]*)$/.test(labels.at(-1)) ? parseIpv4(labels, text) : ascii;
}

function parseIpv4(labels, text) {
    if (labels.length > 4) throw invalid(text);
    const numbers = labels.map((label) => {
        if (/^0x[\da-f]*$/.test(label)) return label === "0x" ? 0 : Number.parseInt(label, 16);
        if (/^0[0-7]+$/.test(label)) return Number.parseInt(label, 8);
        if (/^(?:0|[1-9]\d*)$/.test(label)) return Number(label);
        throw invalid(text);
    });
    const last = numbers.pop();
    if (numbers.some((number) => number > 255) || last >= 256 ** (4 - numbers.length)) throw invalid(text);
    const address = numbers.reduce((sum, number, at) => sum + number * 256 ** (3 - at), last);
    return [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256).join(".");
}

function parseIpv6(text) {
    let source = text;
    const v4 = /^(.*:)(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text);
    if (v4) {
        const [a, b, c, d] = v4.slice(2).map(Number);
        if ([a, b, c, d].some((number) => number > 255)) throw invalid(text);
        source = `${v4[1]}${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
    }
    const halves = source.split("::");
    if (halves.length > 2) throw invalid(text);
    const pieces = (half) => (half === "" ? [] : half.split(":"));
    const [left, right] = [pieces(halves[0]), halves.length === 2 ? pieces(halves[1]) : []];
    const missing = 8 - left.length - right.length;
    if (halves.length === 2 ? missing < 1 : missing !== 0) throw invalid(text);
    const all = [...left, ...Array.from({ length: missing }, () => "0"), ...right];
    if (!all.every((piece) => /^[\da-fA-F]{1,4}$/.test(piece))) throw invalid(text);
    return shortest(all.map((piece) => Number.parseInt(piece, 16)));
}

function shortest(pieces) {
    let [start, length] = [-1, 1];
    for (let at = 0; at < 8; at += 1) {
        let end = at;
        while (end < 8 && pieces[end] === 0) end += 1;
        if (end - at > length) [start, length] = [at, end - at];
        at = Math.max(at, end);
    }
    const text = (from, to) => pieces.slice(from, to).map((piece) => piece.toString(16)).join(":");
    return start < 0 ? text(0, 8) : `${text(0, start)}::${text(start + length, 8)}`;
}

/** RFC 3492. */
function punycode(label) {
    const points = [...label].map((character) => character.codePointAt(0));
    let output = points.filter((point) => point < 128).map((point) => String.fromCharCode(point)).join("");
    const basic = output.length;
    let handled = basic;
    if (basic > 0) output += "-";
    let [n, delta, bias] = [128, 0, 72];
    while (handled < points.length) {
        const next = Math.min(...points.filter((point) => point >= n));
        delta += (next - n) * (handled + 1);
        n = next;
        for (const point of points) {
            if (point < n) delta += 1;
            if (point !== n) continue;
            let q = delta;
            for (let k = 36; ; k += 36) {
                const t = k <= bias ? 1 : k >= bias + 26 ? 26 : k - bias;
                if (q < t) break;
                output += digit(t + ((q - t) % (36 - t)));
                q = Math.floor((q - t) / (36 - t));
            }
            output += digit(q);
            bias = adapt(delta, handled + 1, handled === basic);
            delta = 0;
            handled += 1;
        }
        delta += 1;
        n += 1;
    }
    return output;
}

const digit = (value) => String.fromCharCode(value < 26 ? value + 97 : value + 22);

function adapt(delta, count, isFirst) {
    let value = isFirst ? Math.floor(delta / 700) : Math.floor(delta / 2);
    value += Math.floor(value / count);
    let k = 0;
    for (; value > 455; k += 36) value = Math.floor(value / 35);
    return k + Math.floor((36 * value) / (value + 38));
}

// --------------------------------------------------------------------------------------------------------------------------------- parsing

/** `{ scheme, username, password, host (null: none), port, path (list, or text when opaque), query (null: none), fragment }`. */
function parse(input, base) {
    let rest = input.replace(/^[\0-\x20]+|[\0-\x20]+$/g, "").replace(/[\t\n\r]/g, "");
    const url = { scheme: "", username: "", password: "", host: null, port: "", path: [], query: null, fragment: null };
    const hash = rest.indexOf("#");
    if (hash >= 0) {
        url.fragment = percent(rest.slice(hash + 1), FRAGMENT);
        rest = rest.slice(0, hash);
    }
    const scheme = /^([A-Za-z][A-Za-z0-9+.-]*):/.exec(rest);
    if (scheme) {
        url.scheme = `${scheme[1].toLowerCase()}:`;
        rest = rest.slice(scheme[0].length);
        const relative = special(url.scheme) && url.scheme !== "file:" && base?.scheme === url.scheme && !/^[/\\]/.test(rest);
        if (!relative) return absolute(url, rest, base);
    } else if (base === undefined) {
        throw invalid(input);
    } else {
        url.scheme = base.scheme;
        if (typeof base.path === "string" && (rest !== "" || hash < 0)) throw invalid(input);
    }
    return relativeTo(url, rest, base);
}

function absolute(url, rest, base) {
    if (url.scheme === "file:") return file(url, rest, base);
    if (special(url.scheme)) return authority(url, rest.replace(/^[/\\]*/, ""));
    if (rest.startsWith("//")) return authority(url, rest.slice(2));
    if (rest.startsWith("/")) return pathAndQuery(url, rest);
    const [path, query] = cut(rest, "?");
    url.path = percent(path, "");
    url.query = query === undefined ? null : percent(query, QUERY);
    return url;
}

function relativeTo(url, rest, base) {
    const slash = special(url.scheme) ? /^[/\\]/ : /^\//;
    if (url.scheme === "file:") return file(url, rest, base);
    if (slash.test(rest) && slash.test(rest.slice(1))) return authority(url, rest.slice(2));
    Object.assign(url, { username: base.username, password: base.password, host: base.host, port: base.port });
    if (slash.test(rest)) return pathAndQuery(url, rest);
    return below(url, rest, base);
}

/** What is relative to a base of which only path and query matter. */
function below(url, rest, base) {
    url.path = typeof base.path === "string" ? base.path : [...base.path];
    if (rest === "") {
        url.query = base.query;
        return url;
    }
    if (rest.startsWith("?")) return query(url, rest.slice(1));
    url.path.pop();
    return pathAndQuery(url, rest, url.path);
}

function file(url, rest, base) {
    url.host = "";
    if (/^[/\\]{2}/.test(rest)) {
        const [, host, path] = /^[/\\]{2}([^/\\?]*)([^]*)$/.exec(rest);
        const name = host === "" ? "" : parseHost(host, true);
        url.host = name === "localhost" ? "" : name;
        return pathAndQuery(url, path);
    }
    if (/^[/\\]/.test(rest) || base?.scheme !== "file:") return pathAndQuery(url, rest);
    url.host = base.host;
    return below(url, rest, base);
}

function authority(url, rest) {
    const end = rest.search(special(url.scheme) ? /[/\\?]/ : /[/?]/);
    const name = end < 0 ? rest : rest.slice(0, end);
    const at = name.lastIndexOf("@");
    if (at >= 0) {
        const [username, password = ""] = cut(name.slice(0, at), ":");
        url.username = percent(username, USERINFO);
        url.password = percent(password, USERINFO);
    }
    const [, host, port = ""] = /^(\[[^\]]*\]|[^:]*)(?::(\d*))?$/.exec(name.slice(at + 1)) ?? [];
    if (host === undefined || (host === "" && (special(url.scheme) || at >= 0 || port !== ""))) throw invalid(rest);
    url.host = host === "" ? "" : parseHost(host, special(url.scheme));
    setPort(url, port);
    return pathAndQuery(url, end < 0 ? "" : rest.slice(end));
}

function setPort(url, text) {
    if (text !== "" && Number(text) > 65535) throw invalid(text);
    const port = text === "" ? "" : String(Number(text));
    url.port = port === PORTS[url.scheme] ? "" : port;
}

function pathAndQuery(url, rest, before = []) {
    const [path, search] = cut(rest, "?");
    url.path = pathSegments(url, path, before);
    return search === undefined ? url : query(url, search);
}

function query(url, text) {
    url.query = percent(text, special(url.scheme) ? SPECIAL_QUERY : QUERY);
    return url;
}

function pathSegments(url, path, before) {
    const isSpecial = special(url.scheme);
    const segments = [...before];
    if (path === "" && before.length === 0) return isSpecial ? [""] : [];
    const pieces = path.replace(isSpecial ? /^[/\\]/ : /^\//, "").split(isSpecial ? /[/\\]/ : "/");
    pieces.forEach((piece, at) => {
        const isLast = at === pieces.length - 1;
        const plain = piece.replace(/%2e/gi, ".");
        if (plain === "..") {
            segments.pop();
            if (isLast) segments.push("");
        } else if (plain === ".") {
            if (isLast) segments.push("");
        } else {
            segments.push(percent(piece, PATH));
        }
    });
    return segments;
}

function cut(text, mark) {
    const at = text.indexOf(mark);
    return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}

const pathText = (url) => (typeof url.path === "string" ? url.path : url.path.length > 0 ? `/${url.path.join("/")}` : "");

function hrefOf(url) {
    const login = url.username === "" && url.password === "" ? "" : `${url.username}${url.password === "" ? "" : `:${url.password}`}@`;
    const place = url.host === null ? (pathText(url).startsWith("//") ? "/." : "") : `//${login}${url.host}${url.port === "" ? "" : `:${url.port}`}`;
    return `${url.scheme}${place}${pathText(url)}${url.query === null ? "" : `?${url.query}`}${url.fragment === null ? "" : `#${url.fragment}`}`;
}

// --------------------------------------------------------------------------------------------------------------------------------- classes

let refresh;

class URL {
    #url;
    #params;
    constructor(input, base) {
        const from = base === undefined ? undefined : parse(String(base).toWellFormed());
        this.#url = parse(String(input).toWellFormed(), from);
        this.#params = new URLSearchParams(this.#url.query ?? "");
        refresh(this.#params, (text) => {
            this.#url.query = text === "" ? null : text;
        });
    }
    static canParse(input, base) {
        return URL.parse(input, base) !== null;
    }
    static parse(input, base) {
        try {
            return new URL(input, base);
        } catch {
            return null;
        }
    }
    get href() {
        return hrefOf(this.#url);
    }
    set href(value) {
        this.#url = parse(String(value));
        this.#reread();
    }
    get origin() {
        const { scheme, host, port } = this.#url;
        return special(scheme) && scheme !== "file:" ? `${scheme}//${host}${port === "" ? "" : `:${port}`}` : "null";
    }
    get protocol() {
        return this.#url.scheme;
    }
    set protocol(value) {
        const scheme = `${/^[A-Za-z][A-Za-z0-9+.-]*/.exec(value)?.[0].toLowerCase()}:`;
        if (special(scheme) === special(this.#url.scheme)) this.#url.scheme = scheme;
        setPort(this.#url, this.#url.port);
    }
    get username() {
        return this.#url.username;
    }
    set username(value) {
        if (this.#url.host) this.#url.username = percent(String(value), USERINFO);
    }
    get password() {
        return this.#url.password;
    }
    set password(value) {
        if (this.#url.host) this.#url.password = percent(String(value), USERINFO);
    }
    get host() {
        return `${this.#url.host ?? ""}${this.#url.port === "" ? "" : `:${this.#url.port}`}`;
    }
    set host(value) {
        const [, host, port] = /^(\[[^\]]*\]|[^:]*)(?::(\d*))?/.exec(String(value));
        this.hostname = host;
        if (port) this.port = port;
    }
    get hostname() {
        return this.#url.host ?? "";
    }
    set hostname(value) {
        try {
            if (typeof this.#url.path !== "string" && value !== "") this.#url.host = parseHost(String(value), special(this.#url.scheme));
        } catch {
            // As in the standard: a host that is none changes nothing.
        }
    }
    get port() {
        return this.#url.port;
    }
    set port(value) {
        const digits = /^\d*/.exec(String(value))[0];
        if (this.#url.host && Number(digits) <= 65535 && (digits !== "" || String(value) === "")) setPort(this.#url, digits);
    }
    get pathname() {
        return pathText(this.#url);
    }
    set pathname(value) {
        if (typeof this.#url.path !== "string") this.#url.path = pathSegments(this.#url, String(value).replace(/[?#]/g, (mark) => (mark === "?" ? "%3F" : "%23")), []);
    }
    get search() {
        return this.#url.query ? `?${this.#url.query}` : "";
    }
    set search(value) {
        const text = String(value).replace(/^\?/, "");
        if (text === "") this.#url.query = null;
        else query(this.#url, text.replaceAll("#", "%23"));
        this.#reread();
    }
    get searchParams() {
        return this.#params;
    }
    get hash() {
        return this.#url.fragment ? `#${this.#url.fragment}` : "";
    }
    set hash(value) {
        const text = String(value).replace(/^#/, "");
        this.#url.fragment = text === "" ? null : percent(text, FRAGMENT);
    }
    toString() {
        return this.href;
    }
    toJSON() {
        return this.href;
    }
    #reread() {
        const write = refresh(this.#params, undefined);
        for (const name of new Set(this.#params.keys())) this.#params.delete(name);
        for (const [name, value] of new URLSearchParams(this.#url.query ?? "")) this.#params.append(name, value);
        refresh(this.#params, write);
    }
    [CUSTOM](depth, options, inspect) {
        const { href, origin, protocol, username, password, host, hostname, port, pathname, search, searchParams, hash } = this;
        return `URL ${inspect({ href, origin, protocol, username, password, host, hostname, port, pathname, search, searchParams, hash }, options)}`;
    }
}

const form = (text) => percent(text, "!\"#$%&'()+,/:;<=>?@[\\]^`{|}~").replaceAll("%20", "+").replaceAll(" ", "+");
const unform = (text) => unpercent(text.replaceAll("+", " "));

class URLSearchParams {
    #list = [];
    #changed;
    constructor(init = "") {
        if (typeof init === "object" && init !== null) {
            const pairs = typeof init[Symbol.iterator] === "function" ? init : Object.entries(init);
            for (const pair of pairs) {
                const [name, value, ...more] = pair;
                if (value === undefined || more.length > 0) throw new TypeError("each pair of query parameters has a name and a value");
                this.#list.push([String(name), String(value)]);
            }
            return;
        }
        for (const piece of String(init).replace(/^\?/, "").split("&")) {
            if (piece === "") continue;
            const [name, value = ""] = cut(piece, "=");
            this.#list.push([unform(name), unform(value)]);
        }
    }
    static watch(params, changed) {
        const before = params.#changed;
        params.#changed = changed;
        return before;
    }
    get size() {
        return this.#list.length;
    }
    append(name, value) {
        this.#list.push([String(name), String(value)]);
        this.#write();
    }
    delete(name, value) {
        this.#list = this.#list.filter(([key, held]) => key !== String(name) || (value !== undefined && held !== String(value)));
        this.#write();
    }
    get(name) {
        return this.#list.find(([key]) => key === String(name))?.[1] ?? null;
    }
    getAll(name) {
        return this.#list.filter(([key]) => key === String(name)).map(([, value]) => value);
    }
    has(name, value) {
        return this.#list.some(([key, held]) => key === String(name) && (value === undefined || held === String(value)));
    }
    set(name, value) {
        const at = this.#list.findIndex(([key]) => key === String(name));
        if (at < 0) return this.append(name, value);
        this.#list = this.#list.filter(([key], index) => index <= at || key !== String(name));
        this.#list[at] = [String(name), String(value)];
        return this.#write();
    }
    sort() {
        this.#list.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
        this.#write();
    }
    forEach(callback, self) {
        for (const [name, value] of this.#list) callback.call(self, value, name, this);
    }
    *entries() {
        yield* this.#list.map((pair) => [...pair]);
    }
    *keys() {
        for (const [name] of this.#list) yield name;
    }
    *values() {
        for (const [, value] of this.#list) yield value;
    }
    [Symbol.iterator]() {
        return this.entries();
    }
    toString() {
        return this.#list.map(([name, value]) => `${form(name)}=${form(value)}`).join("&");
    }
    #write() {
        this.#changed?.(this.toString());
    }
    [CUSTOM](depth, options, inspect) {
        const pairs = this.#list.map(([name, value]) => `${inspect(name)} => ${inspect(value)}`).join(", ");
        return `URLSearchParams {${pairs === "" ? "" : ` ${pairs} `}}`;
    }
}
refresh = URLSearchParams.watch;
delete URLSearchParams.watch;

define(globalThis, { URL, URLSearchParams });
