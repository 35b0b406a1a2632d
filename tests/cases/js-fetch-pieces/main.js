const get = (path) => fetch(input.base + path);
const size = async (body) => {
  let sum = 0;
  for await (const piece of body) sum += piece.length;
  return sum;
};

const small = await get("/hello");
const reader = small.body.getReader();
console.log(small.body.locked, small.bodyUsed, small.body === small.body);
console.log(new TextDecoder().decode((await reader.read()).value), (await reader.read()).done, small.bodyUsed);
await reader.closed;
reader.releaseLock();
console.log(small.body.locked);

const large = await get("/large");
console.log(large.headers.get("content-length"), large.bodyUsed, await size(large.body));
console.log((await (await get("/large")).text()).length, (await (await get("/large")).arrayBuffer()).byteLength);
const twin = (await get("/large")).clone();
console.log((await twin.blob()).size);

const log = await get("/log");
for await (const piece of log.body) {
  console.log(new TextDecoder().decode(piece).split("\n")[0]);
  break;
}
console.log(await log.text().catch((error) => error.message));
const dropped = await get("/large");
await dropped.body.cancel();
console.log(await size(dropped.body));

// More than the open handles of a run: those that are given up have their places back, and so have those that are forgotten.
for (let n = 0; n < 130; n += 1) {
  const { body } = await get("/large");
  if (n % 2) await body.cancel();
}

const attempts = {
  "two readers": async () => [large.body.getReader(), large.body.getReader()],
  "twice": async () => [await small.text()],
  "denied": () => get("/missing"),
  "endless": async () => size((await get("/endless")).body),
  "endless text": async () => (await get("/endless")).text(),
  "slow": async () => size((await get("/slow")).body),
  "not gzip": async () => (await get("/not-gzip")).json(),
};
for (const [what, attempt] of Object.entries(attempts)) {
  try {
    console.log(what, await attempt());
  } catch ({ name, code, message }) {
    console.log(what, name, code, message);
  }
}
