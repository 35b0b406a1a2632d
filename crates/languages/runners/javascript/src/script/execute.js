// One execution: a script from its text to its result.

import session from "bailiwick:host/session";
import { fitting, fromHost, sizeOf } from "../errors.js";
import { EXIT, hasExited, takeExit } from "../exit.js";
import { evaluate, forgetRejection, forgetVariable, rejectionOf, runJobs, seedRandom, takeRejections } from "../engine.js";
import { write } from "../output.js";
import { clearAll, runNext } from "../timers.js";
import { Error, Object, Promise, defineProperty, deleteProperty, getOwnPropertyDescriptor, hasOwn, isError, promiseThen, slice, startsWith } from "../primordials.js";
import { beginRun } from "../web/performance.js";
import { describe, headline } from "./report.js";
import { javascript } from "./source.js";
import { watch } from "./result.js";

const setResult = session.setResult;
const ObjectPrototype = Object.prototype;

let seeded = false;

/** The export `execute`: throws the error's line, as text. */
export function execute(source, name) {
    if (!seeded) {
        seeded = true;
        seedRandom();
        beginRun();
    }
    const failure = attempt(source, name);
    // What the builder's glue reads from the objects that it makes here, scripts must not answer for it.
    for (const key of ["tag", "val", "payload"]) if (hasOwn(ObjectPrototype, key)) deleteProperty(ObjectPrototype, key);
    if (failure !== undefined) throw failure;
}

/** Nothing, or the error's line. */
function attempt(source, name) {
    let code;
    try {
        code = javascript(source, name);
    } catch (error) {
        return report(error, name);
    }
    const before = watch(code);
    let { value: promise, failed } = evaluate(code, name);
    while (!failed && declaredAgain(promise)) ({ value: promise, failed } = evaluate(code, name));
    if (failed) return report(promise, name);

    const end = { __proto__: null, done: false, failed: false, value: undefined };
    follow(promise, (completion) => conclude(end, completion.value), (error) => fail(end, error));
    const failure = drain(end, name);
    clearAll();

    const exit = takeExit();
    if (exit !== undefined) return exit === 0 ? give(before.result(undefined), name) : `Error: the script ended with process.exit(${exit})`;
    if (failure !== undefined) return failure;
    if (end.failed) return report(end.value, name);
    if (!end.done) return report(new Error("the script awaits a promise that nothing settles"), name);
    return give(before.result(end.value), name);
}

/**
 * Whether the script failed because an earlier one of the session had declared a variable of this name, which is forgotten now. The engine looks
 * before anything of the script runs, so that nothing happens twice.
 */
function declaredAgain(promise) {
    const reason = rejectionOf(promise);
    const message = isError(reason) ? getOwnPropertyDescriptor(reason, "message")?.value : undefined;
    const before = "redeclaration of '";
    if (typeof message !== "string" || !startsWith(message, before) || !forgetVariable(slice(message, before.length, -1))) return false;
    forgetRejection(promise);
    return true;
}

/** The script's own promise came to this value; one that is itself a promise is awaited. */
function conclude(end, value) {
    if (value instanceof Promise) {
        follow(value, (settled) => finish(end, settled), (error) => fail(end, error));
    } else {
        finish(end, value);
    }
}

function finish(end, value) {
    end.done = true;
    end.value = value;
}

function fail(end, error) {
    end.done = true;
    end.failed = true;
    end.value = error;
}

/** `then`, whatever the script made of promises. */
function follow(promise, resolved, rejected) {
    defineProperty(promise, "constructor", { __proto__: null, value: Promise, configurable: true });
    promiseThen(promise, resolved, rejected);
    deleteProperty(promise, "constructor");
}

/** Jobs and timers, until there is nothing left to do. An error in one of them ends the run. */
function drain(end, name) {
    for (;;) {
        runJobs();
        if (hasExited() || end.failed) return undefined;
        const lost = unhandled(name);
        if (lost !== undefined) return lost;
        try {
            if (!runNext()) return undefined;
        } catch (error) {
            return error === EXIT ? undefined : report(error, name);
        }
    }
}

function unhandled(name) {
    let line;
    takeRejections((reason) => {
        if (reason !== EXIT && line === undefined) line = report(reason, name, "Uncaught (in promise) ");
    });
    return line;
}

/** Hands over the result. */
function give(outcome, name) {
    if (outcome.error !== undefined) return report(outcome.error, name);
    if (outcome.note !== undefined) write("stderr", `note: ${outcome.note}\n`);
    if (outcome.json === undefined) return undefined;
    try {
        fitting(sizeOf(outcome.json), "the result");
        setResult(outcome.json);
        return undefined;
    } catch (caught) {
        return report(fromHost(caught, "the result"), name);
    }
}

/** Prints the traceback, and gives its line. */
function report(error, name, prefix = "") {
    if (error === EXIT) return undefined;
    try {
        write("stderr", `${describe(error, prefix)}\n`);
    } catch {
        // Printing may fail with the script's own objects; how the script ended does not depend on it.
    }
    return headline(error);
}
