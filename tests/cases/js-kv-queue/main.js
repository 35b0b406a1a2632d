const memory = bailiwick.kv("memory");
for (const [at, job] of ["resize", "crop", "rotate", "upload", "notify"].entries()) {
  memory.set(`jobs/open/${String(at).padStart(3, "0")}`, { job, tries: 0 });
}

const claim = (worker) => {
  for (let after; ; ) {
    const page = memory.list("jobs/open", { after, limit: 2 });
    for (const key of page) {
      const found = memory.get(key);
      if (found === null) continue;
      if (memory.swap(key.replace("open", "claimed"), null, worker)) {
        memory.delete(key);
        return { key, ...JSON.parse(found) };
      }
    }
    if (page.length < 2) return null;
    after = page.at(-1);
  }
};

memory.set("jobs/claimed/001", "somebody else");
const done = [];
for (let job; (job = claim("me")); ) {
  done.push(job.job);
  memory.increment("done");
}
console.log(done, memory.get("done"), memory.list("jobs"), memory.list("jobs/open"));

memory.set("bytes", new Uint8Array([0, 255]));
memory.set("json", { list: [1, null, "ü"] });
memory.set("brief", "over soon", { ttl: 20 });
const was = memory.get("brief");
await new Promise((done) => setTimeout(done, 150));
result = {
  done, was, now: memory.get("brief"), bytes: memory.getBytes("bytes").toHex(), json: memory.getJson("json"),
  has: [memory.has("json"), memory.has("nothing")], names: memory.list(), left: memory.delete("bytes"), again: memory.delete("bytes"),
};
