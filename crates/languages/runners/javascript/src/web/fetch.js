// `fetch` and what belongs to it. A response that says it is short is read at once; any other while the script reads it.

import host from "bailiwick:host/fetch";
import { data, decode, encode, exactBuffer, text as asText, view } from "../bytes.js";
import { ask, fitting, named, sizeOf } from "../errors.js";
import { define } from "./define.js";
import { CUSTOM } from "./inspect.js";

const open = host.open;
const read = (body, max) => body.read(max);

/** Bytes of a body that is read at once. */
const SHORT = 1 << 20;
/** Bytes that the host takes for a header beside its text. */
const FIELD = 64;
/** Bytes that are asked for at a time. */
const PIECE = 64 << 10;

const METHODS = ["get", "head", "post", "put", "patch", "delete", "options"];
const NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

class Headers {
    #fields = new Map();
    constructor(init) {
        if (init === undefined || init === null) return;
        if (typeof init !== "object") throw new TypeError(`headers are an object, pairs or Headers, not ${typeof init}`);
        const pairs = typeof init[Symbol.iterator] === "function" ? init : Object.entries(init);
        for (const pair of pairs) {
            const [name, value, more] = typeof pair === "object" && pair !== null ? [...pair] : [];
            if (value === undefined || more !== undefined) throw new TypeError("a header is a pair of name and value");
            this.append(name, value);
        }
    }
    append(name, value) {
        const key = fieldName(name);
        const shown = fieldValue(name, value);
        const present = this.#fields.get(key);
        this.#fields.set(key, present === undefined ? [shown] : [...present, shown]);
    }
    delete(name) {
        this.#fields.delete(fieldName(name));
    }
    get(name) {
        return this.#fields.get(fieldName(name))?.join(", ") ?? null;
    }
    getSetCookie() {
        return [...(this.#fields.get("set-cookie") ?? [])];
    }
    has(name) {
        return this.#fields.has(fieldName(name));
    }
    set(name, value) {
        this.#fields.set(fieldName(name), [fieldValue(name, value)]);
    }
    forEach(callback, self) {
        for (const [name, value] of this) callback.call(self, value, name, this);
    }
    *entries() {
        for (const name of [...this.#fields.keys()].sort()) {
            if (name === "set-cookie") for (const value of this.#fields.get(name)) yield [name, value];
            else yield [name, this.#fields.get(name).join(", ")];
        }
    }
    *keys() {
        for (const [name] of this) yield name;
    }
    *values() {
        for (const [, value] of this) yield value;
    }
    [Symbol.iterator]() {
        return this.entries();
    }
    [CUSTOM](depth, options, inspect) {
        return `Headers ${inspect(Object.fromEntries(this), options)}`;
    }
}

function fieldName(name) {
    if (!NAME.test(name)) throw new TypeError(`\`${name}\` is no name of a header field`);
    return String(name).toLowerCase();
}

function fieldValue(name, value) {
    const shown = String(value).replace(/^[\t\n\r ]+|[\t\n\r ]+$/g, "");
    if (/[\0\n\r]/.test(shown)) throw new TypeError(`the value of the header field \`${name}\` has a line break in it`);
    return shown;
}

class Blob {
    #bytes;
    #type;
    constructor(parts = [], { type = "" } = {}) {
        this.#bytes = concat([...parts].map((part) => (part instanceof Blob ? part.#bytes : data(typeof part === "object" ? part : String(part)))));
        this.#type = String(type).toLowerCase();
    }
    static bytes(blob) {
        return blob.#bytes;
    }
    get size() {
        return this.#bytes.length;
    }
    get type() {
        return this.#type;
    }
    slice(start, end, type) {
        return new Blob([this.#bytes.slice(start, end)], { type });
    }
    async text() {
        return decode(this.#bytes);
    }
    async arrayBuffer() {
        return exactBuffer(this.#bytes);
    }
    async bytes() {
        return this.#bytes.slice();
    }
}
const blobBytes = Blob.bytes;
delete Blob.bytes;

class File extends Blob {
    constructor(parts, name, { lastModified = Date.now(), ...options } = {}) {
        super(parts, options);
        this.name = String(name);
        this.lastModified = Number(lastModified);
    }
}

function concat(parts) {
    const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
    let at = 0;
    for (const part of parts) {
        whole.set(part, at);
        at += part.length;
    }
    return whole;
}

class FormData {
    #list = [];
    append(name, value, filename) {
        this.#list.push([String(name), entry(value, filename)]);
    }
    set(name, value, filename) {
        const at = this.#list.findIndex(([key]) => key === String(name));
        const pair = [String(name), entry(value, filename)];
        this.#list = this.#list.filter(([key], index) => index <= at || key !== String(name));
        if (at < 0) this.#list.push(pair);
        else this.#list[at] = pair;
    }
    delete(name) {
        this.#list = this.#list.filter(([key]) => key !== String(name));
    }
    get(name) {
        return this.#list.find(([key]) => key === String(name))?.[1] ?? null;
    }
    getAll(name) {
        return this.#list.filter(([key]) => key === String(name)).map(([, value]) => value);
    }
    has(name) {
        return this.#list.some(([key]) => key === String(name));
    }
    forEach(callback, self) {
        for (const [name, value] of this) callback.call(self, value, name, this);
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
}

function entry(value, filename) {
    if (!(value instanceof Blob)) return String(value);
    return value instanceof File && filename === undefined ? value : new File([value], filename ?? "blob", { type: value.type });
}

function multipart(form) {
    const boundary = `----bailiwick${Array.from({ length: 4 }, () => Math.random().toString(36).slice(2, 10)).join("")}`;
    const escape = (name) => name.replace(/\r?\n|\r/g, "\r\n").replace(/[\r\n"]/g, (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`);
    const parts = [];
    for (const [name, value] of form) {
        const head = `--${boundary}\r\nContent-Disposition: form-data; name="${escape(name)}"`;
        if (typeof value === "string") parts.push(encode(`${head}\r\n\r\n${value}\r\n`));
        else parts.push(encode(`${head}; filename="${escape(value.name)}"\r\nContent-Type: ${value.type || "application/octet-stream"}\r\n\r\n`), blobBytes(value), encode("\r\n"));
    }
    parts.push(encode(`--${boundary}--\r\n`));
    return { bytes: concat(parts), type: `multipart/form-data; boundary=${boundary}` };
}

/** The bytes of a body and the type that goes with them. */
function bodyOf(value) {
    if (value === undefined || value === null) return { bytes: null, type: null };
    if (value instanceof Source) return { bytes: value, type: null };
    if (value instanceof URLSearchParams) return { bytes: encode(value.toString()), type: "application/x-www-form-urlencoded;charset=UTF-8" };
    if (value instanceof FormData) return multipart(value);
    if (value instanceof Blob) return { bytes: blobBytes(value), type: value.type || null };
    const bytes = view(value);
    if (bytes !== undefined) return { bytes: bytes.slice(), type: null };
    return { bytes: encode(value), type: "text/plain;charset=UTF-8" };
}

/** A body that the host has, to be read from its beginning to its end. */
class Source {
    #what;
    #body;
    constructor(what, body) {
        this.#what = what;
        this.#body = body;
    }
    /** The next piece; nothing at the end. */
    next() {
        if (this.#body === null) return null;
        let piece = null;
        try {
            piece = view(ask(this.#what, read, this.#body, PIECE));
        } finally {
            if (!piece?.length) this.close();
        }
        return piece.length > 0 ? piece : null;
    }
    rest() {
        const pieces = [];
        for (let piece = this.next(); piece !== null; piece = this.next()) pieces.push(piece);
        return concat(pieces);
    }
    close() {
        this.#body?.[Symbol.dispose]();
        this.#body = null;
    }
}

/** As much of a `ReadableStream` as bodies need. */
class Stream {
    #next;
    #stop;
    #locked = false;
    constructor(next, stop) {
        this.#next = next;
        this.#stop = stop;
    }
    get locked() {
        return this.#locked;
    }
    getReader() {
        if (this.#locked) throw new TypeError("the stream has a reader already");
        this.#locked = true;
        let mine = true;
        const ended = Promise.withResolvers();
        const held = () => {
            if (!mine) throw new TypeError("the reader was released");
        };
        return {
            closed: ended.promise,
            read: async () => {
                held();
                const value = this.#next();
                if (value !== null) return { done: false, value };
                ended.resolve();
                return { done: true, value: undefined };
            },
            cancel: async () => {
                held();
                this.#stop();
                ended.resolve();
            },
            releaseLock: () => {
                if (mine) this.#locked = mine = false;
            },
        };
    }
    async cancel() {
        if (this.#locked) throw new TypeError("the stream has a reader");
        this.#stop();
    }
    async *values() {
        const reader = this.getReader();
        try {
            for (let piece = await reader.read(); !piece.done; piece = await reader.read()) yield piece.value;
        } finally {
            await reader.cancel();
            reader.releaseLock();
        }
    }
    [Symbol.asyncIterator]() {
        return this.values();
    }
}

class Body {
    #bytes;
    #source = null;
    #stream = null;
    #streaming = false;
    #used = false;
    headers;
    constructor(bytes, headers) {
        if (bytes instanceof Source) this.#source = bytes;
        this.#bytes = this.#source === null ? bytes : new Uint8Array(0);
        this.headers = headers;
        define(this, { headers });
    }
    static bytes(body) {
        return body.#whole();
    }
    #whole() {
        if (this.#source !== null && !this.#streaming) {
            const source = this.#source;
            this.#source = null;
            this.#bytes = source.rest();
        }
        return this.#bytes;
    }
    #take() {
        if (this.#used) throw new TypeError("the body was read before");
        this.#used = this.#bytes !== null;
        return this.#whole() ?? new Uint8Array(0);
    }
    #piece() {
        if (!this.#streaming) {
            if (this.#used) throw new TypeError("the body was read before");
            this.#used = this.#streaming = true;
        }
        if (this.#source !== null) return this.#source.next();
        const bytes = this.#bytes;
        this.#bytes = new Uint8Array(0);
        return bytes.length > 0 ? bytes : null;
    }
    #stop() {
        this.#used = this.#streaming = true;
        this.#bytes = new Uint8Array(0);
        this.#source?.close();
    }
    get bodyUsed() {
        return this.#used;
    }
    get body() {
        if (this.#bytes === null) return null;
        return (this.#stream ??= new Stream(() => this.#piece(), () => this.#stop()));
    }
    async text() {
        const text = decode(this.#take());
        return text.startsWith("\ufeff") ? text.slice(1) : text;
    }
    async json() {
        return JSON.parse(await this.text());
    }
    async arrayBuffer() {
        return exactBuffer(this.#take());
    }
    async bytes() {
        return this.#take().slice();
    }
    async blob() {
        return new Blob([this.#take()], { type: this.headers.get("content-type") ?? "" });
    }
    async formData() {
        const type = this.headers.get("content-type") ?? "";
        if (!type.startsWith("application/x-www-form-urlencoded")) throw new TypeError("only a form that is URL-encoded can be read");
        const form = new FormData();
        for (const [name, value] of new URLSearchParams(await this.text())) form.append(name, value);
        return form;
    }
}
const bodyBytes = Body.bytes;
delete Body.bytes;

class Request extends Body {
    constructor(input, init = {}) {
        const from = input instanceof Request ? input : undefined;
        const url = from?.url ?? new URL(input).href;
        const method = String(init.method ?? from?.method ?? "GET");
        const headers = new Headers(init.headers ?? from?.headers);
        const { bytes, type } = init.body === undefined && from ? { bytes: bodyBytes(from), type: null } : bodyOf(init.body);
        if (bytes !== null && /^(?:get|head)$/i.test(method)) throw new TypeError("a GET or HEAD request has no body");
        if (type !== null && !headers.has("content-type")) headers.set("content-type", type);
        super(bytes, headers);
        const upper = METHODS.includes(method.toLowerCase()) ? method.toUpperCase() : method;
        define(this, { url, method: upper, signal: init.signal ?? from?.signal ?? null, redirect: init.redirect ?? from?.redirect ?? "follow" });
    }
    clone() {
        return new Request(this);
    }
    [CUSTOM](depth, options, inspect) {
        return `Request ${inspect({ method: this.method, url: this.url, headers: this.headers }, options)}`;
    }
}

const TEXTS = { 200: "OK", 201: "Created", 202: "Accepted", 204: "No Content", 301: "Moved Permanently", 302: "Found", 304: "Not Modified", 400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed", 409: "Conflict", 410: "Gone", 422: "Unprocessable Entity", 429: "Too Many Requests", 500: "Internal Server Error", 502: "Bad Gateway", 503: "Service Unavailable", 504: "Gateway Timeout" };

class Response extends Body {
    constructor(body, { status = 200, statusText, headers, url = "", type: kind = "default" } = {}) {
        const { bytes, type } = bodyOf(body);
        const fields = new Headers(headers);
        if (type !== null && !fields.has("content-type")) fields.set("content-type", type);
        if (!(status >= 200 && status <= 599) && url === "" && kind !== "error") throw new RangeError("the status of a response is between 200 and 599");
        super(bytes, fields);
        define(this, { status, statusText: statusText ?? TEXTS[status] ?? "", url, type: kind, redirected: false });
    }
    get ok() {
        return this.status >= 200 && this.status <= 299;
    }
    clone() {
        return new Response(bodyBytes(this), this);
    }
    static json(value, init = {}) {
        const headers = new Headers(init.headers);
        if (!headers.has("content-type")) headers.set("content-type", "application/json");
        return new Response(JSON.stringify(value), { ...init, headers });
    }
    static error() {
        return new Response(null, { status: 0, type: "error" });
    }
    static redirect(url, status = 302) {
        return new Response(null, { status, headers: { location: String(url) } });
    }
    [CUSTOM](depth, options, inspect) {
        const { status, statusText, headers, ok, url, bodyUsed } = this;
        return `Response ${inspect({ status, statusText, headers, bodyUsed, ok, url }, options)}`;
    }
}

/** Sends a request. A status such as 404 is a response; a denied call rejects with `NotAllowedError`. */
async function fetch(input, init) {
    const request = new Request(input, init);
    request.signal?.throwIfAborted();
    const method = request.method.toLowerCase();
    if (!METHODS.includes(method)) throw named("NotSupportedError", `the method \`${request.method}\` is not supported`);
    const url = new URL(request.url);
    url.hash = "";
    const what = `fetch ${request.method} ${url.href}`;
    const headers = [...request.headers].map(([name, value]) => [asText(name), encode(value)]);
    const sent = { method, url: asText(url.href), headers, body: bodyBytes(request) ?? new Uint8Array(0) };
    fitting(headers.reduce((sum, [name, value]) => sum + FIELD + name.length + value.length, sent.url.length + sizeOf(sent.body)), what);
    const { status, headers: fields, body } = ask(what, open, sent);
    const received = fields.map(([name, value]) => [name, decode(view(value))]);
    const source = new Source(what, body);
    const empty = status === 204 || status === 304 || method === "head";
    if (empty) source.close();
    const length = received.find(([name]) => name === "content-length")?.[1];
    const content = empty ? null : Number(length) <= SHORT ? source.rest() : source;
    return new Response(content, { status, headers: received, url: url.href, type: "basic" });
}

define(globalThis, { fetch, Headers, Request, Response, FormData, Blob, File });
