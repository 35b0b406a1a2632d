const { log } = console;
const told = new Set();
const late = (who) => Promise.resolve().then(async () => {
  for (const act of [() => bailiwick.files.readText("/etc/passwd"), () => bailiwick.files.writeText("/planted.txt", "mine"), () => fetch("http://169.254.169.254/")]) {
    try { await act(); told.add(`${who}: did it`); } catch (error) { told.add(`${who}: ${error?.code ?? error?.name}`); }
  }
});

if (typeof FinalizationRegistry === "function") {
  const registry = new FinalizationRegistry((who) => late(who));
  (() => { for (let n = 0; n < 3; n++) registry.register({ n, big: new Array(10_000).fill(n) }, "registry"); })();
}
const weak = typeof WeakRef === "function" ? new WeakRef({ x: 1 }) : null;
for (let n = 0, rubbish = []; n < 200; n++) rubbish = new Array(5000).fill({ n });
log("weakly:", typeof weak?.deref());

// Nobody waits for these.
setTimeout(() => late("a timer after the end"), 1);
late("a promise");
Promise.reject(new Error("nobody handles this")).catch(() => late("a handler"));
await new Promise((resolve) => setTimeout(resolve, 100));
// When the collector runs is its own affair.
log([...told].filter((text) => !text.startsWith("registry: deny.")).sort().join("; "));
result = "done";
