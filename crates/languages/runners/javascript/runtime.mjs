// The QuickJS runtime that componentize-qjs brings, with what its synchronous build lacks. `__cqjs.runGc` becomes the engine's other doors, told
// apart by the number of arguments:
//
// - `()` runs the pending jobs until none is left. A synchronous export never runs them otherwise, and an asynchronous one would need
//   component-model async in every engine that runs the guest.
// - `(f)` makes `f(promise, reason, handled)` the rejection tracker, and sets the stack limit, which is none in WASI builds: endless recursion
//   is a `RangeError`.
// - `(0, 0)` seeds `Math.random` from the host; its state is otherwise that of the snapshot.
// - `(source, name, f)` evaluates a script as the engine itself does, with top-level `await` and lexical variables that stay, and calls
//   `f(promise, false)`, or `f(error, true)` when it does not compile.
// - `(text, buffer, 0, 0)` writes UTF-8 into an `ArrayBuffer`: its length in four bytes, then the bytes.
// - `(buffer, start, length, f, 0)` calls `f(text)` with what UTF-8 bytes say.
// - `(f, 0, 0, 0, 0, 0)` calls `f(object)` with the object whose properties are the lexical variables of the global scope.
//
// And `import()` of a module that does not exist rejects; it would trap, because the loader of the build is gone at run time. And what
// writes `error.stack` has more room on the stack, so that it can run where a script has used up its own.
//
// The runtime is taken from the package that the lock file pins, and is checked against its own hash: the numbers below are positions in
// exactly these bytes. What they mean, for whoever moves to another version, stands beside each.

import { createHash } from "node:crypto";

import { I32, I64, Reader, join, op, unsigned, vector } from "./wasm.mjs";

const RUNTIME = {
    bytes: 1_497_910,
    sha256: "25703f010b80efb806f9c35daf9ee6524ad60320c9781b0bae4e234264f8dac5",
    /** `Ctx::execute_pending_job(result: *mut, ctx: *JSContext)`; the result is -1 when a job ran or none was left, then one byte, which. */
    executePendingJob: 358,
    /** `JS_CallInternal(ctx, function, this, new.target, argc, argv, flags)`. */
    callInternal: 645,
    /** `JS_ToCStringLen2(ctx, *length, value, cesu8)`; what it gives lies 16 bytes behind a string value. */
    toCString: 748,
    /** `JS_NewStringLen(ctx, pointer, length)`, of UTF-8. */
    newString: 738,
    /** `JS_GetArrayBuffer(ctx, *size, value)`. */
    arrayBuffer: 960,
    /** `JS_RunGC(rt)`. */
    collectGarbage: 650,
    /** `JS_FreeValue(ctx, value)`. */
    freeValue: 653,
    /** `__JS_EvalInternal(ctx, this, input, length, filename, line, flags, scope)`. */
    evaluate: 674,
    /** The import `insecure-seed(*[u64; 2])`. */
    insecureSeed: 3,
    /** The closure behind `__cqjs.runGc`. In it: `local.get 4; i32.load offset=8; call JS_RunGC`. Local 4 is the context, 1 the arguments, */
    /** 16 bytes each, 5 their number. */
    closure: 331,
    collect: [0x20, 0x04, 0x28, 0x02, 0x08, 0x10, 0x8a, 0x05],
    /** The module resolver, and in it: `local.tee 11; call resolve`, which the host of the build answers. */
    resolver: 370,
    resolve: [0x22, 0x0b, 0x10, 0x00],
    /** `build_backtrace(ctx, error, filter, file, line, column, flags)`, which calls `Error.prepareStackTrace`. */
    backtrace: 764,
    /** Types that exist: `(i32 i32 i32)`, `(i32 i64 i64 i32 i32)`, `(i32 i32 i32 i32 i32)`, `(i32 i64 i64 i32 i32 i32 i32)`. */
    pumpType: 3,
    trackType: 60,
    resolveType: 29,
    backtraceType: 106,
    /** Functions, imported ones included, and slots of the table. */
    functions: 1620,
    slots: 735,
    /** Fields: `JSContext.rt`, `.global_obj`, `.global_var_obj`, `.random_state`. */
    rt: 8,
    global: 256,
    lexical: 264,
    randomState: 280,
    /** Fields: `JSRuntime.stack_top`, `.stack_limit`, `.current_exception`, `.host_promise_rejection_tracker` and its opaque. */
    stackTop: 632,
    stackLimit: 636,
    exception: 640,
    tracker: 676,
    opaque: 680,
};

/** Of the 1 MiB of C stack that the linker gives; the rest is for what QuickJS does without asking. */
const STACK_BYTES = 832 * 1024;

/** More of it, for what writes `error.stack`. */
const RESERVE_BYTES = 64 * 1024;

/** The runtime in the builder's native module, changed. */
export function patchedRuntime(nativeModule) {
    return patch(find(nativeModule));
}

function find(file) {
    const magic = Buffer.from([0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00]);
    for (let at = file.indexOf(magic); at >= 0; at = file.indexOf(magic, at + 1)) {
        const candidate = file.subarray(at, at + RUNTIME.bytes);
        if (createHash("sha256").update(candidate).digest("hex") === RUNTIME.sha256) return candidate;
    }
    throw new Error("componentize-qjs does not contain the runtime that this runner was written for; install the version in package-lock.json");
}

// Values of QuickJS: a tag above, the rest below. Strings and objects are pointers.
const STRING = -30064771072n;
const OBJECT = -4294967296n;
const BOOLEAN = 4294967296n;
const UNDEFINED = 12884901888n;
const UNINITIALIZED = 17179869184n;
const EXCEPTION = 25769803776n;

/** `JS_EVAL_TYPE_GLOBAL`, with a barrier for backtraces, asynchronous. */
const SCRIPT = 0 | (1 << 6) | (1 << 7);

/** A flag of `JS_CallInternal`: the arguments are the caller's. */
const COPY_ARGUMENTS = 2;

/** Room on the stack while `body` runs; `low` is where it begins. */
function room(low, bytes, ...body) {
    return [op.stack, op.i32(bytes), op.sub, op.tee(low), op.setStack, ...body, op.get(low), op.i32(bytes), op.add, op.setStack];
}

/** Sets the limit of the stack, counted from its top. */
function limitStack(runtime, bytes) {
    return [op.get(runtime), op.get(runtime), op.load(RUNTIME.stackTop), op.i32(bytes), op.sub, op.store(RUNTIME.stackLimit)];
}

/** `pump(context, arguments, count)`, see above. */
function pumpBody() {
    const [context, values, count, low, runtime, source, name, value] = [0, 1, 2, 3, 4, 5, 6, 7];
    const argument = (index) => [op.get(values), op.load64(16 * index)];
    const string = (local) => [op.get(local), op.i32(16), op.sub, op.extend, op.i64(STRING), op.or64];

    const call = (argumentCount) => [
        op.i64(UNDEFINED), op.i64(UNDEFINED), op.i32(argumentCount), op.get(low), op.i32(8), op.add,
        op.i32(COPY_ARGUMENTS), op.call(RUNTIME.callInternal), op.drop,
        op.get(context), op.get(value), op.call(RUNTIME.freeValue),
    ];

    const jobs = room(low, 64,
        op.loop,
            op.get(low), op.get(context), op.call(RUNTIME.executePendingJob),
            // A job that threw is over like any other: what it threw has no one to go to.
            op.get(low), op.load(0), op.i32(-1), op.ne,
            op.get(low), op.loadByte(4),
            op.or, op.repeatIf,
        op.end,
    );
    const hooks = [
        ...limitStack(runtime, STACK_BYTES),
        // The function is kept for ever: its reference count stands before it.
        ...argument(0), op.wrap, op.tee(low), op.i32(4), op.sub,
        op.get(low), op.i32(4), op.sub, op.load(0), op.i32(1), op.add, op.store(0),
        op.get(runtime), op.get(low), op.store(RUNTIME.opaque),
        // The snapshot holds no garbage, and the next collection is far.
        op.get(runtime), op.call(RUNTIME.collectGarbage),
        op.get(runtime), op.table, op.i32(RUNTIME.slots), op.add, op.store(RUNTIME.tracker),
    ];
    const seed = room(low, 64,
        op.get(low), op.call(RUNTIME.insecureSeed),
        // The generator stands still at zero.
        op.get(context), op.get(low), op.load64(0), op.get(low), op.load64(8), op.xor64, op.i64(1), op.or64, op.store64(RUNTIME.randomState),
    );
    const script = room(low, 64,
        op.get(context), op.get(low), ...argument(0), op.i32(0), op.call(RUNTIME.toCString), op.set(source),
        op.get(context), op.i32(0), ...argument(1), op.i32(0), op.call(RUNTIME.toCString), op.set(name),
        op.get(source), op.eqz, op.get(name), op.eqz, op.or, op.if, op.unreachable, op.end,
        op.get(context), op.get(context), op.load64(RUNTIME.global), op.get(source), op.get(low), op.load(0), op.get(name),
        op.i32(1), op.i32(SCRIPT), op.i32(-1), op.call(RUNTIME.evaluate), op.set(value),
        op.get(context), ...string(source), op.call(RUNTIME.freeValue),
        op.get(context), ...string(name), op.call(RUNTIME.freeValue),
        op.get(low), op.i64(BOOLEAN), op.store64(16),
        op.get(value), op.i64(EXCEPTION), op.eq64, op.if,
            op.get(low), op.i64(BOOLEAN | 1n), op.store64(16),
            op.get(runtime), op.load64(RUNTIME.exception), op.set(value),
            op.get(runtime), op.i64(UNINITIALIZED), op.store64(RUNTIME.exception),
        op.end,
        op.get(low), op.get(value), op.store64(8),
        op.get(context), ...argument(2), ...call(2),
    );
    const encode = room(low, 64,
        op.get(context), op.get(low), ...argument(0), op.i32(0), op.call(RUNTIME.toCString), op.tee(source), op.eqz, op.if, op.unreachable, op.end,
        op.get(context), op.get(low), op.i32(4), op.add, ...argument(1), op.call(RUNTIME.arrayBuffer), op.set(name),
        op.get(low), op.load(0), op.i32(4), op.add, op.get(low), op.load(4), op.above, op.if, op.unreachable, op.end,
        op.get(name), op.get(low), op.load(0), op.store(0),
        op.get(name), op.i32(4), op.add, op.get(source), op.get(low), op.load(0), op.copy,
        op.get(context), ...string(source), op.call(RUNTIME.freeValue),
    );
    const decode = room(low, 64,
        op.get(context), op.get(low), ...argument(0), op.call(RUNTIME.arrayBuffer), op.set(source),
        op.get(context), op.get(source), ...argument(1), op.wrap, op.add, ...argument(2), op.wrap, op.call(RUNTIME.newString), op.set(value),
        op.get(low), op.get(value), op.store64(8),
        op.get(context), ...argument(3), ...call(1),
    );
    const lexical = room(low, 64,
        op.get(low), op.get(context), op.load64(RUNTIME.lexical), op.store64(8),
        op.get(context), ...argument(0), ...call(1),
    );
    const doors = [jobs, hooks, seed, script, encode, decode, lexical];
    return join(
        [2, 4, I32, 1, I64],
        op.get(context), op.load(RUNTIME.rt), op.set(runtime),
        ...doors.flatMap((body, number) => [op.get(count), op.i32(number), op.eq, op.if, ...body, op.end]),
        op.end,
    );
}

/** `track(context, promise, reason, handled, opaque)`: calls the function in `opaque`. */
function trackBody() {
    const [context, promise, reason, handled, opaque, low] = [0, 1, 2, 3, 4, 5];
    return join(
        [1, 1, I32],
        ...room(low, 32,
            op.get(low), op.get(promise), op.store64(0),
            op.get(low), op.get(reason), op.store64(8),
            op.get(low), op.get(handled), op.extend, op.i64(BOOLEAN), op.or64, op.store64(16),
            op.get(context), op.get(opaque), op.extend, op.i64(OBJECT), op.or64, op.i64(UNDEFINED), op.i64(UNDEFINED),
            op.i32(3), op.get(low), op.i32(COPY_ARGUMENTS), op.call(RUNTIME.callInternal), op.drop,
        ),
        op.end,
    );
}

/** `build_backtrace`, with more room. What it calls may come here again: the limit is absolute, so that room never adds up. */
function backtraceBody() {
    const [context, runtime, before] = [0, 7, 8];
    return join(
        [1, 2, I32],
        op.get(context), op.load(RUNTIME.rt), op.tee(runtime), op.load(RUNTIME.stackLimit), op.set(before),
        ...limitStack(runtime, STACK_BYTES + RESERVE_BYTES),
        ...[0, 1, 2, 3, 4, 5, 6].map(op.get), op.call(backtrace),
        op.get(runtime), op.get(before), op.store(RUNTIME.stackLimit),
        op.end,
    );
}

/** `resolve(referrer, specifier, result)`: an error with an empty text. */
function resolveBody() {
    const result = 4;
    return join(
        [0],
        op.get(result), op.i32(1), op.store(0),
        op.get(result), op.i32(1), op.store(4),
        op.get(result), op.i32(0), op.store(8),
        op.end,
    );
}

const pump = RUNTIME.functions;
const track = RUNTIME.functions + 1;
const absent = RUNTIME.functions + 2;
/** Where the engine's own `build_backtrace` is now. */
const backtrace = RUNTIME.functions + 3;

/** What becomes of each section that changes, by its number. */
const SECTIONS = {
    0: (content) => {
        const reader = new Reader(content);
        const name = reader.take(reader.number());
        if (name.toString() !== "dylink.0") return content;
        const [kind, length] = [reader.number(), reader.number()];
        const info = new Reader(reader.take(length));
        const [memory, align, slots] = [info.number(), info.number(), info.number()];
        expect(kind === 1 && slots === RUNTIME.slots);
        const changed = [...unsigned(memory), ...unsigned(align), ...unsigned(slots + 1), ...info.rest()];
        return join(vector([...name]), [1], vector(changed), reader.rest());
    },
    2: (content) => {
        // The last import is the table.
        const old = [0x01, 0x70, 0x00, ...unsigned(RUNTIME.slots)];
        const at = content.lastIndexOf(Buffer.from(old));
        expect(at === content.length - old.length);
        return join(content.subarray(0, at), [0x01, 0x70, 0x00, ...unsigned(RUNTIME.slots + 1)]);
    },
    3: (content) => {
        const reader = new Reader(content);
        const count = reader.number();
        return join(unsigned(count + 4), reader.rest(), [RUNTIME.pumpType, RUNTIME.trackType, RUNTIME.resolveType, RUNTIME.backtraceType]);
    },
    9: (content) => {
        const reader = new Reader(content);
        // One active segment of table 0, at `global.get 2`.
        expect(reader.number() === 1 && join(reader.take(4)).equals(join([0x00, 0x23, 0x02, 0x0b])));
        const count = reader.number();
        expect(count === RUNTIME.slots);
        return join([1, 0x00, 0x23, 0x02, 0x0b], unsigned(count + 1), reader.rest(), unsigned(track));
    },
    10: (content) => {
        const reader = new Reader(content);
        const count = reader.number();
        const imported = RUNTIME.functions - count;
        const old = [];
        for (let index = 0; index < count; index += 1) old.push(reader.take(reader.number()));
        const bodies = old.map((body, index) => (CHANGED[index + imported] ?? ((same) => same))(body));
        bodies.push(pumpBody(), trackBody(), resolveBody(), old[RUNTIME.backtrace - imported]);
        return join(unsigned(bodies.length), ...bodies.flatMap((body) => [unsigned(body.length), body]));
    },
};

/** What becomes of the functions that change. */
const CHANGED = {
    [RUNTIME.closure]: (body) => replaceOnce(body, RUNTIME.collect, [...op.get(4), ...op.get(1), ...op.get(5), ...op.call(pump)]),
    [RUNTIME.backtrace]: () => backtraceBody(),
    [RUNTIME.resolver]: (body) => replaceOnce(body, RUNTIME.resolve, [...op.tee(11), ...op.call(absent)]),
};

function replaceOnce(body, old, replacement) {
    const bytes = Buffer.from(old);
    const at = body.indexOf(bytes);
    expect(at >= 0 && body.indexOf(bytes, at + 1) < 0);
    return join(body.subarray(0, at), replacement, body.subarray(at + bytes.length));
}

function expect(condition) {
    if (!condition) throw new Error("the runtime does not look as expected; the positions in runtime.mjs belong to another version");
}

function patch(runtime) {
    const reader = new Reader(runtime);
    const parts = [reader.take(8)];
    while (!reader.done) {
        const id = reader.number();
        const content = reader.take(reader.number());
        const changed = (SECTIONS[id] ?? ((same) => same))(content);
        parts.push([id], unsigned(changed.length), changed);
    }
    return join(...parts);
}
