// Builds the JavaScript interpreter: node build.mjs --wit FOLDER --out FILE
//
// Needs what `npm ci` puts into node_modules, and nothing from the network.

import { mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

import { patchedRuntime } from "./runtime.mjs";

const here = dirname(fileURLToPath(import.meta.url));

function options() {
    const { values } = parseArgs({ options: { wit: { type: "string" }, out: { type: "string" } } });
    if (!values.wit || !values.out) throw new Error("usage: node build.mjs --wit FOLDER --out FILE");
    return { wit: resolve(values.wit), out: resolve(values.out) };
}

async function build({ wit, out }) {
    const { esbuild, componentize } = await builders();

    console.log("step 1/3 bundle the sources");
    const source = await bundle(esbuild);

    console.log("step 2/3 prepare the engine");
    const runtimeBytes = patchedRuntime(nativeModule());

    console.log("step 3/3 make the component");
    const { component } = await componentize({ witPath: wit, world: "interpreter", jsSource: source, runtimeBytes });
    mkdirSync(dirname(out), { recursive: true });
    writeFileSync(out, component);
}

async function builders() {
    try {
        const [esbuild, { componentize }] = await Promise.all([import("esbuild"), import("componentize-qjs")]);
        return { esbuild, componentize };
    } catch (error) {
        throw new Error(`the builders are not installed (${error.message.split("\n")[0]}); run \`npm ci --ignore-scripts\` in ${here}`);
    }
}

/**
 * Of sucrase only what takes types away is wanted: the rest would lie in every snapshot. A module that is left out is an empty one, whose
 * exports nobody uses.
 */
const onlyTypes = {
    name: "only-types",
    setup({ onLoad }) {
        const transformers = "(?:CJSImport|Flow|JSX|JestHoist|ReactDisplayName|ReactHotLoader)Transformer";
        const unused = `sucrase/dist/esm/(?:transformers/${transformers}|Options-gen-types|CJSImportProcessor|computeSourceMap|parser/plugins/flow)`;
        const packages = "node_modules/(?:@jridgewell|lines-and-columns|ts-interface-checker)/";
        onLoad({ filter: new RegExp(`${unused}\\.js$|${packages}`) }, () => ({ contents: "module.exports = {};" }));
        onLoad({ filter: /sucrase\/dist\/esm\/Options\.js$/ }, () => ({ contents: "export const validateOptions = () => {};" }));
    },
};

async function bundle(esbuild) {
    const result = await esbuild.build({
        entryPoints: [join(here, "src", "main.js")],
        absWorkingDir: here,
        bundle: true,
        write: false,
        format: "esm",
        target: "es2024",
        charset: "utf8",
        legalComments: "none",
        minifySyntax: true,
        minifyWhitespace: true,
        external: ["bailiwick:*"],
        plugins: [onlyTypes],
        logLevel: "error",
    });
    return result.outputFiles[0].text;
}

/** The builder's native module for this platform, which contains the engine. */
function nativeModule() {
    const scope = join(dirname(createRequire(import.meta.url).resolve("componentize-qjs")), "..", "@andreiltd");
    const files = readdirSync(scope, { recursive: true }).filter((name) => name.endsWith(".node"));
    if (files.length === 0) throw new Error("componentize-qjs has no native module for this platform");
    return readFileSync(join(scope, files[0]));
}

try {
    await build(options());
} catch (error) {
    console.error(`error: ${error.message}`);
    process.exitCode = 1;
}
