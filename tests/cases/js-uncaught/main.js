class BadMonth extends Error {
  name = "BadMonth";
}

function parse(text) {
  const month = Number(text.slice(5));
  if (!(month >= 1 && month <= 12)) throw new BadMonth(`bad month ${text}`);
  return month;
}

async function lengths(months) {
  const days = [];
  for (const text of months) {
    await null;
    days.push(new Date(Date.UTC(Number(text.slice(0, 4)), parse(text), 0)).getUTCDate());
  }
  return days;
}

console.log("before");
result = await lengths(input.months);
console.log("never printed");
