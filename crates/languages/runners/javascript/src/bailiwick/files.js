// Files below the mounts. The calls answer at once: there is nothing to wait for, and `await` is harmless.

import host from "bailiwick:host/files";
import { data, decode, whole, words } from "../bytes.js";
import { ask } from "../errors.js";

/** The host gives and takes this much at once. */
const READ_BYTES = 16 * 1024 * 1024;
const WRITE_BYTES = 4 * 1024 * 1024;

const place = (path) => words(path, "a path");
const call = (action, path, operation, a, b) => ask(`file ${action} ${path}`, operation, path, a, b);

/** The bytes of a file, or those from `offset` on. */
export function read(path, { offset = 0, length } = {}) {
    const name = place(path);
    const parts = [];
    let at = whole(offset, "`offset`", 0);
    let left = length === undefined ? Infinity : whole(length, "`length`", 0);
    for (;;) {
        const want = Math.min(left, READ_BYTES);
        const part = call("read", name, host.read, at, want);
        if (parts.length === 0 && part.length < want) return part;
        parts.push(part);
        at += part.length;
        left -= part.length;
        if (part.length < want || left <= 0) return joined(parts);
    }
}

function joined(parts) {
    const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
    let at = 0;
    for (const part of parts) {
        whole.set(part, at);
        at += part.length;
    }
    return whole;
}

/** The text of a file in UTF-8. */
export function readText(path) {
    const content = decode(read(path));
    return content.startsWith("\ufeff") ? content.slice(1) : content;
}

/** Writes text or bytes; `mode` is `replace`, `create` or `append`. */
export function write(path, content, mode = "replace") {
    const name = place(path);
    const bytes = data(content, "the content of a file");
    if (!["replace", "create", "append"].includes(mode)) throw new TypeError("the mode is `replace`, `create` or `append`");
    let at = 0;
    do {
        const part = bytes.length <= WRITE_BYTES ? bytes : bytes.slice(at, at + WRITE_BYTES);
        call("write", name, host.write, part, at === 0 ? mode : "append");
        at += WRITE_BYTES;
    } while (at < bytes.length);
}

export const writeText = write;
export const append = (path, content) => write(path, content, "append");

/** `[{ name, kind }]`, by name. */
export const list = (path = "/") => call("list", place(path), host.list);

/** `{ kind, size, modified }`; `modified` is a `Date` or `null`. */
export function stat(path) {
    const { kind, size, modified } = call("read", place(path), host.stat);
    return { kind, size: Number(size), modified: modified === null || modified === undefined ? null : new Date(Number(modified)) };
}

/** Whether there is something; a denied question is an error. */
export function exists(path) {
    try {
        stat(path);
        return true;
    } catch (error) {
        if (error.code === "failed.not_found" || error.code === "failed.not_directory") return false;
        throw error;
    }
}

export const remove = (path) => void call("delete", place(path), host.delete);
export const removeDirectory = (path) => void call("delete", place(path), host.deleteDirectory);
export const makeDirectory = (path) => void call("write", place(path), host.makeDirectory);
export const rename = (from, to) => void call("rename", place(from), host.rename, place(to));
