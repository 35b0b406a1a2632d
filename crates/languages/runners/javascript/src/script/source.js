// From what was written to what QuickJS evaluates: types go, and modules become `require`. Lines stay where they are.

import { transform } from "sucrase";
import { parse } from "../../node_modules/sucrase/dist/esm/parser/index.js";
import { ContextualKeyword as word_ } from "../../node_modules/sucrase/dist/esm/parser/tokenizer/keywords.js";
import { TokenType as tt } from "../../node_modules/sucrase/dist/esm/parser/tokenizer/types.js";
import { String, SyntaxError, endsWith, includes } from "../primordials.js";
import { summary } from "../stack.js";

const TYPED = [".ts", ".mts", ".cts"];

/** The script to evaluate. */
export function javascript(source, name) {
    let code = source;
    if (isTyped(name)) code = withoutTypes(code, name);
    if (includes(code, "import") || includes(code, "export")) code = withoutModules(code, name);
    return code;
}

function isTyped(name) {
    for (let at = 0; at < TYPED.length; at += 1) if (endsWith(name, TYPED[at])) return true;
    return false;
}

function withoutTypes(source, name) {
    if (includes(source, "namespace") || includes(source, "module")) refuseNamespaces(source, name);
    try {
        return transform(source, { transforms: ["typescript"], disableESTransforms: true, filePath: name }).code;
    } catch (error) {
        throw syntaxError(error, name);
    }
}

/** The stripper takes a namespace away, with the code in it. One that declares types alone may go. */
function refuseNamespaces(source, name) {
    let tokens;
    try {
        tokens = parse(source, false, true, false).tokens;
    } catch {
        return;
    }
    const isWord = (token, word) => token?.type === tt.name && token.contextualKeyword === word;
    for (let index = 0; index < tokens.length; index += 1) {
        const token = tokens[index];
        const opens = token.isType && (isWord(token, word_._namespace) || isWord(token, word_._module)) && tokens[index + 1].type === tt.name;
        if (!opens || tokens[index - 1]?.type === tt._declare) continue;
        let depth = 0;
        for (let at = index + 2; at < tokens.length; at += 1) {
            if (tokens[at].type === tt.braceL) depth += 1;
            else if (tokens[at].type === tt.braceR && (depth -= 1) === 0) break;
            if (!CODE.has(tokens[at].type)) continue;
            const before = source.slice(0, token.start).split("\n");
            const shown = new SyntaxError("a namespace with code in it is not supported; write an object or a module-level declaration");
            shown.stack = `${summary(shown)}\n    at ${name}:${before.length}:${before.at(-1).length + 1}`;
            throw shown;
        }
    }
}

/** What makes more of a namespace than types. */
const CODE = new Set([tt._const, tt._let, tt._var, tt._function, tt._class, tt._enum]);

/** The stripper says `Error transforming a.ts: Unexpected token (3:4)`. */
function syntaxError(error, name) {
    const [, message, line, column] = /(?:^Error transforming .*?: )?([^]*?) \((\d+):(\d+)\)$/.exec(String(error.message)) ?? [];
    if (message === undefined) return new SyntaxError(String(error.message));
    const shown = new SyntaxError(`${message[0].toLowerCase()}${message.slice(1)}`);
    shown.stack = `${summary(shown)}\n    at ${name}:${line}:${column}`;
    return shown;
}

/**
 * `import` and `export` of a script that is evaluated as one. A source that the tokenizer does not understand is left alone: the engine says
 * what is wrong with it.
 */
function withoutModules(source, name) {
    let tokens;
    try {
        tokens = parse(source, false, false, false).tokens;
    } catch {
        return source;
    }
    const edits = [];
    for (let index = 0; index < tokens.length; index += 1) {
        const { type } = tokens[index];
        if (type === tt._import || isMeta(source, tokens, index)) index = rewriteImport(source, tokens, index, edits, name);
        else if (type === tt._export) index = rewriteExport(source, tokens, index, edits);
    }
    if (edits.length === 0) return source;
    let code = "";
    let at = 0;
    for (const { start, end, text } of edits) {
        const lines = source.slice(start, end).split("\n").length - text.split("\n").length;
        code += source.slice(at, start) + text + "\n".repeat(lines > 0 ? lines : 0);
        at = end;
    }
    return code + source.slice(at);
}

const word = (source, token) => source.slice(token.start, token.end);

/** `import.meta`, whose first word the parser calls a name. */
function isMeta(source, tokens, index) {
    const [before, first, dot] = [tokens[index - 1], tokens[index], tokens[index + 1]];
    return first.type === tt.name && word(source, first) === "import" && dot?.type === tt.dot && before?.type !== tt.dot;
}

function rewriteImport(source, tokens, index, edits, name) {
    const start = tokens[index].start;
    const next = tokens[index + 1];
    if (next.type === tt.parenL) {
        edits.push({ start, end: tokens[index].end, text: "__import" });
        return index;
    }
    if (next.type === tt.dot) {
        edits.push({ start, end: tokens[index + 2].end, text: `({ url: ${JSON.stringify(`file:///${name}`)} })` });
        return index + 2;
    }
    let at = index + 1;
    const names = [];
    const targets = [];
    while (tokens[at].type !== tt.string) {
        const token = tokens[at];
        if (token.type === tt.braceL) {
            for (at += 1; tokens[at].type !== tt.braceR; at += 1) {
                if (tokens[at].type === tt.comma) continue;
                const imported = word(source, tokens[at]);
                const renamed = word(source, tokens[at + 1]) === "as";
                names.push(renamed ? `${imported}: ${word(source, tokens[at + 2])}` : imported);
                if (renamed) at += 2;
            }
        } else if (token.type === tt.star) {
            targets.push({ pattern: word(source, tokens[at + 2]), whole: true });
            at += 2;
        } else if (token.type !== tt.comma && word(source, token) !== "from") {
            targets.push({ pattern: word(source, token), whole: false });
        }
        at += 1;
    }
    const module = word(source, tokens[at]);
    let end = tokens[at].end;
    // `with { type: "json" }` says nothing that matters here.
    if (tokens[at + 1]?.type === tt._with) {
        while (tokens[at].type !== tt.braceR) at += 1;
        end = tokens[at].end;
    }
    if (tokens[at + 1]?.type === tt.semi) end = tokens[(at += 1)].end;
    const required = `require(${module})`;
    const declared = targets.map(({ pattern, whole }) => `${pattern} = ${whole ? required : `__default(${required})`}`);
    if (names.length > 0) declared.push(`{ ${names.join(", ")} } = ${required}`);
    edits.push({ start, end, text: declared.length > 0 ? `var ${declared.join(", ")};` : `${required};` });
    return at;
}

/** A list of names goes; where it comes from is loaded. */
function dropExport(source, tokens, index, last, edits) {
    let at = last;
    let text = ";";
    if (tokens[at + 1] !== undefined && word(source, tokens[at + 1]) === "from" && tokens[at + 2]?.type === tt.string) {
        at += 2;
        text = `require(${word(source, tokens[at])});`;
    }
    if (tokens[at + 1]?.type === tt.semi) at += 1;
    edits.push({ start: tokens[index].start, end: tokens[at].end, text });
    return at;
}

function rewriteExport(source, tokens, index, edits) {
    const { start } = tokens[index];
    const next = tokens[index + 1];
    if (next.type === tt._default) {
        // An object would be a block.
        edits.push({ start, end: next.end, text: tokens[index + 2].type === tt.braceL ? "0," : "" });
        return index + 1;
    }
    if (next.type === tt.braceL) {
        let at = index + 1;
        while (tokens[at].type !== tt.braceR) at += 1;
        return dropExport(source, tokens, index, at, edits);
    }
    if (next.type === tt.star) return dropExport(source, tokens, index, word(source, tokens[index + 2]) === "as" ? index + 3 : index + 1, edits);
    edits.push({ start, end: tokens[index].end, text: "" });
    return index;
}
