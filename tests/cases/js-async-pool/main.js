const sleep = (ms, value) => new Promise((resolve) => setTimeout(resolve, ms, value));

async function pool(jobs, width) {
  const results = new Array(jobs.length);
  let next = 0, running = 0, most = 0;
  const worker = async () => {
    while (next < jobs.length) {
      const at = next++;
      most = Math.max(most, ++running);
      try {
        results[at] = { ok: await jobs[at]() };
      } catch (error) {
        results[at] = { error: error.message };
      } finally {
        running--;
      }
    }
  };
  await Promise.all(Array.from({ length: width }, worker));
  return { results, most };
}

const jobs = Array.from({ length: input.jobs }, (_, at) => async () => {
  await sleep(1 + (at % 3));
  if (at === 4) throw new Error("job 4 fails");
  return at * at;
});
const { results, most } = await pool(jobs, input.width);

const order = [];
queueMicrotask(() => order.push("microtask"));
setTimeout(() => order.push("timer"), 0);
const cancelled = setTimeout(() => order.push("never"), 0);
clearTimeout(cancelled);
await null;
order.push("after await");
await sleep(3);

const timeout = (ms) => new Promise((_, reject) => setTimeout(reject, ms, new Error("too slow")));
const race = await Promise.race([sleep(2000, "slow"), timeout(2)]).catch((error) => error.message);
const first = await Promise.any([Promise.reject(new Error("no")), sleep(1, "yes")]);

let ticks = 0;
await new Promise((resolve) => {
  const interval = setInterval(() => ++ticks === 3 && (clearInterval(interval), resolve()), 1);
});

function* numbered() {
  try { for (let n = 1; ; n++) yield n; } finally { order.push("closed"); }
}
for (const n of numbered()) if (n === 3) break;

console.log(order.join(", "));
result = { results, most, race, first, ticks };
