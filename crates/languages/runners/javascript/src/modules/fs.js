// `fs`, over the mounts. Every form (`readFileSync`, `readFile` with a callback, `promises.readFile`) is made from one.

import * as files from "../bailiwick/files.js";
import { ERRNO } from "../errors.js";
import { Buffer } from "./buffer.js";
import { path } from "./path.js";

/** A path as scripts write it. `./a` and `a` begin at the mounts, as `/a` does. */
function place(name) {
    const text = name instanceof URL ? decodeURIComponent(name.pathname) : Buffer.isBuffer(name) ? name.toString() : name;
    if (typeof text !== "string") throw new TypeError("a path is a string or a file URL");
    // A path that begins at the root or climbs stays as it is, for the host to refuse.
    if (text.split("/").includes("..")) return text;
    return path.resolve(text);
}

/** The error in Node's spelling: `code` is `ENOENT` where Node has one, and `reason` the host's own. */
function nodeError(error, syscall, name) {
    const code = ERRNO[error?.code];
    if (code !== undefined) Object.assign(error, { reason: error.code, code, syscall, path: name });
    return error;
}

const encodingOf = (options) => (typeof options === "string" ? options : options?.encoding);

class Stats {
    constructor({ kind, size, modified }) {
        const mtime = modified ?? new Date(0);
        Object.assign(this, { size, mode: kind === "directory" ? 0o40755 : 0o100644, mtime, mtimeMs: mtime.getTime(), atime: mtime, ctime: mtime, birthtime: mtime });
        Object.defineProperty(this, "kind", { value: kind });
    }
    isFile() {
        return this.kind === "file";
    }
    isDirectory() {
        return this.kind === "directory";
    }
    isSymbolicLink() {
        return this.kind === "link";
    }
}

class Dirent {
    constructor({ name, kind }, parentPath) {
        Object.assign(this, { name, parentPath });
        Object.defineProperty(this, "kind", { value: kind });
    }
}
for (const method of ["isFile", "isDirectory", "isSymbolicLink"]) Object.defineProperty(Dirent.prototype, method, { value: Stats.prototype[method] });

function entriesBelow(name, deep) {
    return files.list(name).flatMap((entry) => {
        const dirent = new Dirent(entry, name);
        const below = deep && entry.kind === "directory" ? entriesBelow(path.join(name, entry.name), true) : [];
        return [dirent, ...below];
    });
}

const operations = {
    readFile(name, options) {
        const bytes = files.read(place(name));
        const encoding = encodingOf(options);
        const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
        return encoding ? buffer.toString(encoding) : buffer;
    },
    writeFile(name, content, options) {
        const flag = options?.flag ?? "w";
        const mode = flag.startsWith("a") ? "append" : flag.includes("x") ? "create" : "replace";
        files.write(place(name), typeof content === "string" ? Buffer.from(content, encodingOf(options) ?? "utf8") : content, mode);
    },
    appendFile(name, content, options) {
        files.append(place(name), typeof content === "string" ? Buffer.from(content, encodingOf(options) ?? "utf8") : content);
    },
    readdir(name, options) {
        const from = place(name);
        const entries = entriesBelow(from, Boolean(options?.recursive));
        return options?.withFileTypes ? entries : entries.map((entry) => path.relative(from, path.join(entry.parentPath, entry.name)));
    },
    stat(name, options) {
        try {
            return new Stats(files.stat(place(name)));
        } catch (error) {
            if (options?.throwIfNoEntry === false && error.code === "failed.not_found") return undefined;
            throw error;
        }
    },
    access(name) {
        files.stat(place(name));
    },
    unlink: (name) => files.remove(place(name)),
    rmdir: (name) => files.removeDirectory(place(name)),
    mkdir(name, options) {
        const whole = place(name);
        if (!options?.recursive) return files.makeDirectory(whole);
        const segments = whole.split("/").filter((segment) => segment !== "");
        for (let count = 2; count <= segments.length; count += 1) {
            try {
                files.makeDirectory(`/${segments.slice(0, count).join("/")}`);
            } catch (error) {
                if (error.code !== "failed.exists") throw error;
            }
        }
        return undefined;
    },
    rename: (from, to) => files.rename(place(from), place(to)),
    copyFile: (from, to) => files.write(place(to), files.read(place(from))),
    rm(name, options) {
        const whole = place(name);
        let kind;
        try {
            kind = files.stat(whole).kind;
        } catch (error) {
            if (options?.force && error.code === "failed.not_found") return;
            throw error;
        }
        if (kind !== "directory") return files.remove(whole);
        if (options?.recursive) for (const entry of files.list(whole)) operations.rm(path.join(whole, entry.name), options);
        return files.removeDirectory(whole);
    },
};
operations.lstat = operations.stat;

const constants = { F_OK: 0, R_OK: 4, W_OK: 2, X_OK: 1, COPYFILE_EXCL: 1 };
const attempt = (name, values) => {
    try {
        return operations[name](...values);
    } catch (error) {
        throw nodeError(error, name, String(values[0]));
    }
};

export const fsPromises = { constants };
export const fs = { constants, promises: fsPromises, Stats, Dirent };

for (const name of Object.keys(operations)) {
    fsPromises[name] = async (...values) => attempt(name, values);
    fs[`${name}Sync`] = (...values) => attempt(name, values);
    fs[name] = (...values) => {
        const callback = values.pop();
        if (typeof callback !== "function") throw new TypeError(`fs.${name} takes a callback; there are also fs.${name}Sync and fs.promises.${name}`);
        fsPromises[name](...values).then((value) => callback(null, value), (error) => callback(error));
    };
}

fs.existsSync = (name) => {
    try {
        return files.exists(place(name));
    } catch {
        return false;
    }
};
