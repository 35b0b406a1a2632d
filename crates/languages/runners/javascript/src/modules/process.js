// `process`: arguments, output and the end of the script.

import session from "bailiwick:host/session";
import { exit } from "../exit.js";
import { write } from "../output.js";
import { lazily } from "../web/define.js";
import { notSupported } from "../errors.js";
import { EventEmitter } from "./events.js";
import { now } from "../web/performance.js";


class Stream extends EventEmitter {
    #name;
    isTTY = false;
    writable = true;
    constructor(name) {
        super();
        this.#name = name;
    }
    write(content, encoding, callback) {
        write(this.#name, typeof content === "string" || ArrayBuffer.isView(content) ? content : String(content));
        const done = typeof encoding === "function" ? encoding : callback;
        if (done) queueMicrotask(done);
        return true;
    }
    end(content) {
        if (content !== undefined) this.write(content);
        return this;
    }
}

class Process extends EventEmitter {
    title = "javascript";
    version = "v22.0.0";
    versions = { node: "22.0.0" };
    platform = "wasi";
    arch = "wasm32";
    pid = 1;
    env = {};
    execArgv = [];
    execPath = "/javascript";
    exitCode = undefined;
    stdout = new Stream("stdout");
    stderr = new Stream("stderr");
    exit(code) {
        exit(Number(code ?? this.exitCode ?? 0) & 0xff);
    }
    abort() {
        exit(134);
    }
    cwd() {
        return "/";
    }
    chdir() {
        throw notSupported("process.chdir");
    }
    nextTick(callback, ...values) {
        queueMicrotask(() => callback(...values));
    }
    uptime() {
        return now() / 1000;
    }
    memoryUsage() {
        return { rss: 0, heapTotal: 0, heapUsed: 0, external: 0, arrayBuffers: 0 };
    }
    cpuUsage() {
        return { user: 0, system: 0 };
    }
    emitWarning(warning) {
        write("stderr", `(warning) ${warning}\n`);
    }
    kill() {
        throw notSupported("process.kill");
    }
}

export const process = new Process();
process.hrtime = Object.assign(
    (before = [0, 0]) => {
        const nanoseconds = BigInt(Math.round(now() * 1e6)) - BigInt(before[0]) * 1_000_000_000n - BigInt(before[1]);
        return [Number(nanoseconds / 1_000_000_000n), Number(nanoseconds % 1_000_000_000n)];
    },
    { bigint: () => BigInt(Math.round(now() * 1e6)) },
);
lazily(process, "argv", () => ["javascript", "script", ...session.arguments()]);
