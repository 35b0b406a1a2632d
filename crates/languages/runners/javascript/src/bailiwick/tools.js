// `tools.<server>.<tool>(arguments)`, made from what this run may call.

import script from "bailiwick:host/script";
import host from "bailiwick:host/tools";
import { text } from "../bytes.js";
import { ask, named } from "../errors.js";
import { exiting } from "../exit.js";

/** What this run may call, as the host says it. */
export const abilities = () => JSON.parse(script.abilities());

/** A tool's name as JavaScript writes it: `list-events` is also `list_events` and `listEvents`. */
const spellings = (name) => new Set([name, name.replace(/[^\w$]+/g, "_"), name.replace(/[^\w$]+(\w)/g, (_, letter) => letter.toUpperCase())]);

/** Servers with their tools, each callable. */
export function tools() {
    const servers = {};
    for (const { server, tool, description, schema } of abilities().tools ?? []) {
        const call = async (values = {}) => use(server, tool, values);
        Object.defineProperties(call, {
            name: { value: tool },
            description: { value: description ?? "", enumerable: true },
            schema: { value: schema, enumerable: true },
        });
        for (const name of spellings(server)) {
            servers[name] ??= guarded(`the server \`${server}\``);
            for (const spelling of spellings(tool)) servers[name][spelling] ??= call;
        }
    }
    return Object.assign(guarded("this run"), servers);
}

/** An object that says so when it does not have what is asked for. */
function guarded(owner) {
    return new Proxy({}, {
        get(target, name) {
            if (name in target || typeof name === "symbol" || name === "then" || name === "toJSON") return target[name];
            const known = Object.keys(target).join(", ") || "none";
            throw named("NotFoundError", `${owner} has no \`${name}\` to call; there is: ${known}`, "failed.no_tool");
        },
    });
}

async function use(server, tool, values) {
    exiting();
    if (typeof values !== "object" || values === null || Array.isArray(values)) throw new TypeError(`\`${tool}\` takes one object with its arguments`);
    const answer = JSON.parse(ask(`tool call ${server}/${tool}`, host.call, text(server), text(tool), text(JSON.stringify(values))));
    return unwrap(answer, server, tool);
}

/** The structured value if there is one, else the text; blocks of other kinds as they are. */
function unwrap({ content = [], structured = null, is_error: failed = false }, server, tool) {
    const texts = content.filter((block) => block.type === "text").map((block) => block.text);
    if (failed) throw named("OperationError", `${server}/${tool}: ${texts.join("\n") || "the tool reported an error"}`, "failed.tool_error");
    if (structured !== null) return structured;
    if (texts.length !== content.length) return content;
    const all = texts.join("\n");
    try {
        return /^\s*[[{]/.test(all) ? JSON.parse(all) : all;
    } catch {
        return all;
    }
}
