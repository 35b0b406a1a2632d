// `require` and `import`: the modules of Node that scripts reach for, as far as they make sense here.

import { named } from "../errors.js";
import { define } from "../web/define.js";
import { assert } from "./assert.js";
import { Buffer, bufferModule } from "./buffer.js";
import { cryptoModule } from "./crypto.js";
import { eventsModule } from "./events.js";
import { fs, fsPromises } from "./fs.js";
import { os } from "./os.js";
import { path } from "./path.js";
import { process } from "./process.js";
import { querystring } from "./querystring.js";
import { timers, timersPromises } from "./timers.js";
import { util } from "./util.js";

const MODULES = {
    __proto__: null,
    assert,
    "assert/strict": assert,
    buffer: bufferModule,
    crypto: cryptoModule,
    events: eventsModule,
    fs,
    "fs/promises": fsPromises,
    os,
    path,
    "path/posix": path,
    perf_hooks: { performance },
    process,
    querystring,
    timers,
    "timers/promises": timersPromises,
    url: { URL, URLSearchParams, fileURLToPath: (url) => decodeURIComponent(new URL(url).pathname), pathToFileURL: (name) => new URL(`file://${path.resolve(String(name))}`) },
    util,
};

for (const name of Object.keys(MODULES)) {
    const module = MODULES[name];
    if (!Object.hasOwn(module, "default")) define(module, { default: module });
}

const known = Object.keys(MODULES).join(", ");

/** A module by its name, with or without `node:`. */
function require(name) {
    const text = String(name);
    const module = MODULES[text.replace(/^node:/, "")];
    if (module !== undefined) return module;
    const file = /^(\.|\/|file:)/.test(text) ? "a script is one file; " : "";
    throw named("Error", `Cannot find module '${text}': ${file}there are no packages here, only ${known}`, "MODULE_NOT_FOUND");
}
require.resolve = (name) => (require(name), String(name));

define(globalThis, {
    require,
    Buffer,
    process,
    // What `import` becomes.
    __import: async (name) => require(name),
    __default: (module) => module.default ?? module,
    module: { exports: {} },
});
define(globalThis, { exports: globalThis.module.exports });

