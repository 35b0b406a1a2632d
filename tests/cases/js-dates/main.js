const DAY = 86_400_000;
const utc = (text) => {
  const match = /^(\d{4})-(\d{2})-(\d{2})$/.exec(text);
  if (!match) throw new RangeError(`not a date: ${text}`);
  const [year, month, day] = match.slice(1).map(Number);
  const date = new Date(Date.UTC(year, month - 1, day));
  if (date.getUTCMonth() !== month - 1) throw new RangeError(`no such day: ${text}`);
  return date;
};
const iso = (date) => date.toISOString().slice(0, 10);

function addMonths(date, count) {
  const first = new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + count, 1));
  const last = new Date(Date.UTC(first.getUTCFullYear(), first.getUTCMonth() + 1, 0)).getUTCDate();
  return new Date(first.getTime() + (Math.min(date.getUTCDate(), last) - 1) * DAY);
}

function isoWeek(date) {
  const thursday = new Date(date.getTime() + (4 - (date.getUTCDay() || 7)) * DAY);
  const yearStart = Date.UTC(thursday.getUTCFullYear(), 0, 1);
  return `${thursday.getUTCFullYear()}-W${String(Math.ceil(((thursday - yearStart) / DAY + 1) / 7)).padStart(2, "0")}`;
}

function age(birth, today) {
  const years = today.getUTCFullYear() - birth.getUTCFullYear();
  return addMonths(birth, years * 12) > today ? years - 1 : years;
}

const duration = (seconds) =>
  [[86400, "d"], [3600, "h"], [60, "m"], [1, "s"]]
    .map(([size, unit]) => { const n = Math.floor(seconds / size); seconds %= size; return n && `${n}${unit}`; })
    .filter(Boolean)
    .join(" ") || "0s";

const start = utc(input.start);
for (const bad of ["2026-02-30", "yesterday"]) {
  try { utc(bad); } catch (error) { console.log(error.name, error.message); }
}
console.log(new Date(NaN).getTime(), new Date("2026-10-25T03:30:00+02:00").toISOString());

result = {
  due: [1, 2, 3, 13].map((months) => iso(addMonths(start, months))),
  weeks: ["2026-01-01", "2027-01-03", "2026-12-28"].map((text) => isoWeek(utc(text))),
  ages: input.births.map((text) => age(utc(text), utc(input.today))),
  durations: [0, 59, 3661, 200000].map(duration),
  weekday: ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"][start.getUTCDay()],
};
