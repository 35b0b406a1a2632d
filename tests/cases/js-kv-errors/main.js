const memory = bailiwick.kv("memory");
memory.set("text", "no number");
const tried = [
  () => memory.get("keys/api"),
  () => memory.set("keys/api", "x"),
  () => memory.get("../settings/a"),
  () => memory.get("a//b"),
  () => memory.get(""),
  () => memory.get("x".repeat(600)),
  () => memory.set("big", new Uint8Array(2 ** 20 + 1)),
  () => memory.increment("text"),
  () => memory.increment("n", 0.5),
  () => memory.set("x", "y", { ttl: -5 }),
  () => memory.set("x", "y", { ttl: 0 }),
  () => memory.set("x", "y", { ttl: "soon" }),
  () => memory.list("", { limit: -1 }),
  () => memory.set("x", undefined),
  () => memory.set("x", 5n),
  () => bailiwick.kv("settings").get("mode"),
  () => bailiwick.kv("settings").set("mode", "x"),
  () => bailiwick.kv("settings").delete("mode"),
  () => bailiwick.kv("settings").list(),
  () => bailiwick.kv("settings").increment("mode"),
  () => bailiwick.kv("other").get("a"),
  () => bailiwick.kv("memory/keys").get("api"),
];
result = tried.map((call) => {
  try {
    return call();
  } catch (error) {
    console.log(error.message);
    return `${error.name} ${error.code ?? ""}`;
  }
});
