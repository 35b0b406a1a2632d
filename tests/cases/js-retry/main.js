class GaveUp extends Error {
  constructor(url, attempts, cause) {
    super(`gave up on ${new URL(url).pathname} after ${attempts} attempts`, { cause });
    this.name = "GaveUp";
  }
}

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const log = [];

async function retrying(url, { tries = 4, pause = 5 } = {}) {
  let last;
  for (let attempt = 1; attempt <= tries; attempt++) {
    try {
      const response = await fetch(url);
      log.push(response.status);
      if (response.status < 500) return response;
      last = new Error(`status ${response.status}`);
    } catch (error) {
      if (error.name === "NotAllowedError") throw error;
      last = error;
    }
    if (attempt < tries) await sleep(pause * 2 ** (attempt - 1));
  }
  throw new GaveUp(url, tries, last);
}

const ready = await (await retrying(`${input.base}/flaky/2`)).json();
console.log("ready on attempt", ready.attempt);

const outcomes = await Promise.allSettled([
  retrying(`${input.base}/flaky/7`, { tries: 4, pause: 1 }),
  retrying(`${input.base}/customers/0`),
  retrying("https://elsewhere.example/data"),
]);
for (const { status, value, reason } of outcomes) {
  console.log(status, value ? value.status : `${reason.name}: ${reason.cause?.message ?? reason.code}`);
}

result = { ready, calls: log.sort(), gaveUp: outcomes[0].reason instanceof GaveUp };
