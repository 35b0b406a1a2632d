// What only scripts of a run have: `input`, `args`, `bailiwick`, `tools`.

import extension from "bailiwick:host/extension";
import session from "bailiwick:host/session";
import { data, kindOf, text, whole, words } from "../bytes.js";
import { ask } from "../errors.js";
import { key, hash, operations, randomBytes } from "../web/crypto.js";
import { define, lazily } from "../web/define.js";
import * as files from "./files.js";
import { secret } from "./secrets.js";
import { kv, sql } from "./stores.js";
import { abilities, tools } from "./tools.js";

/** Does `action` to `resource`, which are of a kind that begins with `x-`: what the program that embeds the host adds to it. */
async function call(kind, action, resource, values = {}) {
    const [sort, deed, name] = [words(kind, "the kind"), words(action, "the action"), words(resource, "the resource")];
    if (typeof values !== "object" || values === null || Array.isArray(values)) throw new TypeError(`the arguments are one object, not ${kindOf(values)}`);
    return JSON.parse(ask(`${sort} ${deed} ${name}`, extension.call, sort, deed, name, text(JSON.stringify(values))));
}

const bailiwick = {
    call,
    files: { ...files, delete: files.remove },
    kv,
    secret,
    sql,
    crypto: {
        key,
        randomBytes,
        hash: (algorithm, bytes) => hash(algorithm, data(bytes)),
        hmac: (name, bytes) => operations.hmac(name, data(bytes)),
        sign: (name, bytes) => operations.sign(name, data(bytes)),
        verify: (name, bytes, signature) => operations.verify(name, data(bytes), data(signature, "the signature")),
        encrypt: (name, bytes, additional = "") => operations.encrypt(name, data(bytes), data(additional)),
        decrypt: (name, sealed, additional = "") => operations.decrypt(name, data(sealed), data(additional)),
        derive: (name, { salt = "", info = "", length = 32 } = {}) => operations.derive(name, data(salt), data(info), Math.min(whole(length, "`length`", 0), 0xffffffff)),
    },
};
lazily(bailiwick, "abilities", abilities);
lazily(bailiwick, "tools", () => globalThis.tools);
lazily(bailiwick, "input", () => globalThis.input);
lazily(bailiwick, "args", () => globalThis.args);

define(globalThis, { bailiwick, secret });
lazily(globalThis, "tools", tools);
lazily(globalThis, "input", () => JSON.parse(session.input()));
lazily(globalThis, "args", () => session.arguments());
