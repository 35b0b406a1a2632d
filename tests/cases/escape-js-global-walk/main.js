const { log } = console;
const seen = new Set(), queue = [[globalThis, "globalThis"]], effects = new Map();
let natives = 0;
while (queue.length && seen.size < 20_000) {
  const [thing, path] = queue.pop();
  if ((typeof thing !== "object" && typeof thing !== "function") || thing === null || seen.has(thing)) continue;
  seen.add(thing);
  if (typeof thing === "function") {
    natives++;
    const word = path.split(".").at(-1);
    if (/^(_*)(read|write|open|send|load|exec|eval|list|stat|import|get_?file|system|spawn|call|request|remove|unlink)/i.test(word) && !/prototype|Function|Reflect|Array|String|Object|RegExp|Promise|Proxy|Response|Request/.test(path)) {
      effects.set(path, thing);
    }
  }
  for (const key of Reflect.ownKeys(thing)) {
    const { value, get, set } = Reflect.getOwnPropertyDescriptor(thing, key) ?? {};
    for (const part of [value, get, set]) queue.push([part, `${path}.${String(key)}`]);
  }
  queue.push([Reflect.getPrototypeOf(thing), `${path}.__proto__`]);
}
log("functions are reached:", natives > 500);
const codes = new Set();
for (const [path, effect] of [...effects].sort()) {
  if (path.includes("console")) continue;
  for (const argument of ["/etc/passwd", "{{root}}/canary.txt", "http://169.254.169.254/"]) {
    try {
      const answer = await effect(argument, argument);
      if (typeof answer === "string" && answer.length && answer !== argument) log(path, "gave a text");
    } catch (error) {
      if (error?.code) codes.add(error.code);
    }
  }
}
log([...codes].sort().join(" "));
