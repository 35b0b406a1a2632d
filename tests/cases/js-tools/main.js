async function attempt(what, call) {
    try {
        console.log(what, "->", await call());
    } catch (error) {
        console.log(what, "->", error.name, error.code, error.message);
    }
}

const { getSum } = tools.everything;
console.log(Object.keys(tools), Object.keys(tools.everything));
console.log(getSum.name, getSum.description, getSum.schema.required);

// As a model would write it.
const people = [["Ada", "wrote a program"], ["Grace", "wrote a compiler"]];
await tools.memory.create_entities({ entities: people.map(([name, did]) => ({ name, entityType: "person", observations: [did] })) });
const graph = await tools.memory.searchNodes({ query: "compiler" });
const weather = await tools.everything.getStructuredContent({ location: "Chicago" });

await attempt("an object", () => getSum({ a: 2, b: 3 }));
await attempt("by its own name", () => tools["everything"]["get-sum"]({ a: 2, b: 3 }));
await attempt("with underscores", () => tools.everything.get_sum({ a: 2, b: 3 }));
await attempt("over the rule's bound", () => getSum({ a: 101, b: 1 }));
await attempt("not as its schema says", () => getSum({ a: 1, b: "1" }));
await attempt("no object", () => getSum(1, 2));
await attempt("no rule", () => tools.everything.getEnv());
await attempt("a rule against it", () => tools.memory.delete_entities({ entityNames: ["Ada"] }));
await attempt("no such tool", () => tools.memory.forgetEverything());
await attempt("no such server", () => tools.mail.send({ to: "ada@example.com" }));
await attempt("no name", () => tools["mail"]["../send"]());
await attempt("says that it failed", () => tools.bad.says_it_failed());
await attempt("error of the protocol", () => tools.bad.error());
await attempt("blocks", () => tools.bad.blocks());
await attempt("dies", () => tools.bad.die());
await attempt("starts again", () => bailiwick.tools.bad.echo({ text: "here" }));

result = { found: graph.entities.map((entity) => entity.name), weather: Object.keys(weather).sort() };
