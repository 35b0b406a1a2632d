// `tools.<server>.<tool>(arguments)`, made from what this run may call.

import script from "bailiwick:host/script";
import host from "bailiwick:host/tools";
import { text } from "../bytes.js";
import { ask, named } from "../errors.js";

/** What this run may call, as the host says it. */
export const abilities = () => JSON.parse(script.abilities());

/** A name as JavaScript writes it: `list-events` is also `list_events` and `listEvents`. */
const spellings = (name) => [name.replace(/\W+/g, "_"), name.replace(/[\W_]+([a-zA-Z0-9])/g, (_, letter) => letter.toUpperCase())];

/** Servers with their tools, each callable. Other names can be written, too: such a call is refused by the host, which says why. */
export function tools() {
    const servers = nothing();
    for (const { server, tool, description, schema } of abilities().tools ?? []) {
        const call = async (values = {}) => use(server, tool, values);
        Object.defineProperties(call, {
            name: { value: tool },
            description: { value: description ?? "", enumerable: true },
            schema: { value: schema, enumerable: true },
        });
        servers[server] ??= nothing();
        servers[server][tool] = call;
    }
    for (const server of Object.keys(servers)) {
        respell(servers[server]);
        const known = servers[server];
        servers[server] = answering(known, (tool) => async (values = {}) => use(server, tool, values));
    }
    respell(servers);
    return answering(servers, (server) => answering(nothing(), (tool) => async (values = {}) => use(server, tool, values)));
}

const nothing = () => Object.create(null);

/** Adds the other spellings of names, which are not listed, and none of which takes the place of a name. */
function respell(named) {
    for (const name of Object.keys(named)) {
        for (const spelling of spellings(name)) {
            if (!(spelling in named)) Object.defineProperty(named, spelling, { __proto__: null, value: named[name] });
        }
    }
}

/** An object that makes up an answer for names that it does not have. */
function answering(known, otherwise) {
    return new Proxy(known, {
        get(target, name) {
            if (name in target || typeof name === "symbol" || UNASKED.has(name)) return target[name];
            return otherwise(name);
        },
    });
}

/** What the language itself looks for in objects. */
const UNASKED = new Set(["then", "toJSON", "toString", "valueOf", "constructor"]);

async function use(server, tool, values) {
    if (typeof values !== "object" || values === null || Array.isArray(values)) throw new TypeError(`\`${tool}\` takes one object with its arguments`);
    const answer = JSON.parse(ask(`tool call ${server}/${tool}`, host.call, text(server), text(tool), text(JSON.stringify(values))));
    return unwrap(answer, server, tool);
}

/** The structured value if there is one, else the text; blocks of other kinds as they are. */
function unwrap({ content = [], structured = null, is_error: failed = false }, server, tool) {
    const texts = content.filter((block) => block.type === "text").map((block) => block.text);
    if (failed) throw named("ToolError", `${server}/${tool}: ${texts.join("\n") || "the tool failed"}`);
    if (structured !== null) return structured;
    return texts.length === content.length ? texts.join("\n") : content;
}
