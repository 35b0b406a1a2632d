const PAUSE = 15 * 60 * 1000;

const byUser = Object.groupBy(input.events, ({ user }) => user);
const sessions = Object.entries(byUser).flatMap(([user, events]) => {
  const ordered = events.toSorted((a, b) => Date.parse(a.at) - Date.parse(b.at));
  const cut = [];
  for (const event of ordered) {
    const current = cut.at(-1);
    if (current && Date.parse(event.at) - current.last <= PAUSE) {
      current.pages.push(event.page);
      current.last = Date.parse(event.at);
    } else {
      cut.push({ user, start: event.at, last: Date.parse(event.at), pages: [event.page] });
    }
  }
  return cut.map(({ last, ...session }) => ({ ...session, minutes: (last - Date.parse(session.start)) / 60000 }));
});

const percentile = (values, p) => {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.min(sorted.length - 1, Math.ceil((p / 100) * sorted.length) - 1)];
};

const pages = Map.groupBy(input.events, ({ page }) => page);
const table = [...pages]
  .map(([page, events]) => ({ page, hits: events.length, p90: percentile(events.map(({ ms }) => ms), 90) }))
  .sort((a, b) => b.hits - a.hits || b.p90 - a.p90);
for (const { page, hits, p90 } of table) console.log(page.padEnd(6), String(hits).padStart(3), `${p90} ms`);

const seen = new Set(["/", "/cart"]);
console.log([...new Set(pages.keys()).difference(seen)], sessions.findLast(({ user }) => user === "ada").start);

result = { sessions, users: Object.keys(byUser) };
