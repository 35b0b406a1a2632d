/** Parses a decimal text into an integer with a scale, so that nothing is lost. */
function decimal(text) {
  const [, sign, whole, fraction = ""] = /^(-?)(\d+)(?:\.(\d+))?$/.exec(text) ?? [];
  if (whole === undefined) throw new SyntaxError(`not a number: ${text}`);
  return { value: BigInt(sign + whole + fraction), scale: fraction.length };
}

function multiply(a, b) {
  return { value: a.value * b.value, scale: a.scale + b.scale };
}

/** Rounds half away from zero to whole cents. */
function cents({ value, scale }) {
  if (scale <= 2) return value * 10n ** BigInt(2 - scale);
  const divisor = 10n ** BigInt(scale - 2);
  const half = (value < 0n ? -divisor : divisor) / 2n;
  return (value + half) / divisor;
}

function format(cents, currency) {
  const digits = String(cents < 0n ? -cents : cents).padStart(3, "0");
  const whole = digits.slice(0, -2).replace(/\B(?=(\d{3})+$)/g, "\u2009");
  return `${cents < 0n ? "−" : ""}${whole}.${digits.slice(-2)} ${currency}`;
}

const net = new Map();
for (const { text, quantity, price, vat } of input.lines) {
  const amount = cents(multiply(decimal(quantity), decimal(price)));
  net.set(vat, (net.get(vat) ?? 0n) + amount);
  console.log(text.padEnd(12, "."), format(amount, input.currency));
}
const tax = [...net].map(([rate, amount]) => [rate, cents({ value: amount * BigInt(rate), scale: 4 })]);
const sum = [...net.values(), ...tax.map(([, amount]) => amount)].reduce((a, b) => a + b, 0n);

try {
  decimal("1e3");
} catch ({ name, message }) {
  console.log(`${name}: ${message}`);
}
try {
  JSON.stringify({ sum });
} catch (error) {
  console.log(error.name);
}

result = {
  gross: format(sum, input.currency),
  tax: Object.fromEntries(tax.map(([rate, amount]) => [`${rate}%`, amount.toString()])),
  negative: format(-150_005n, "SEK"),
};
