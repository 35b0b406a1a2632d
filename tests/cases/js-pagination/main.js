const { base } = input;

async function* pages(path) {
  let url = new URL(path, base);
  url.searchParams.set("per_page", "10");
  while (url) {
    const response = await fetch(url, { headers: { Accept: "application/json" } });
    if (!response.ok) throw new Error(`${response.status} for ${url.pathname}`);
    yield await response.json();
    const next = /<([^>]+)>;\s*rel="next"/.exec(response.headers.get("link") ?? "");
    url = next && new URL(next[1], base);
  }
}

const orders = [];
for await (const page of pages("/api/orders")) {
  console.log(`page ${page.page}/${page.pages}`, page.items.length);
  orders.push(...page.items);
}

const shipped = orders.filter(({ status }) => status === "shipped");
const ids = [...new Set(shipped.map(({ customer }) => customer))].sort();
const names = Object.fromEntries(
  await Promise.all(
    ids.map(async (id) => [id, (await (await fetch(`${base}/api/customers/${id}`)).json()).name]),
  ),
);

const totals = shipped.reduce((sums, { customer, amount }) => {
  sums[names[customer]] = (sums[names[customer]] ?? 0) + Math.round(Number(amount) * 100);
  return sums;
}, {});

result = Object.fromEntries(
  Object.entries(totals)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, cents]) => [name, (cents / 100).toFixed(2)]),
);
