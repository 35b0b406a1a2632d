const { url, incidents } = input;

const priority = (errors) => [[100, "high"], [50, "medium"]].find(([least]) => errors >= least)?.[1];

async function create(title, priority) {
  const headers = new Headers({ "Content-Type": "application/json" });
  headers.append("accept", "application/json");
  const request = new Request(url, { method: "POST", headers, body: JSON.stringify({ title, priority }) });
  const response = await fetch(request);
  if (response.status !== 201) throw new Error(`expected 201, got ${response.status}`);
  return response.json();
}

const made = [];
for (const { service, errors } of incidents) {
  const level = priority(errors);
  if (level) made.push(await create(`${service}: ${errors} errors`, level));
}

for (const body of ["{", JSON.stringify({ priority: "high" })]) {
  const response = await fetch(url, { method: "POST", headers: { "content-type": "application/json" }, body });
  console.log(response.status, response.ok, (await response.json()).error);
}

try {
  await fetch(url);
} catch (error) {
  console.log(error.name, error.code, error instanceof Error);
}

result = made;
