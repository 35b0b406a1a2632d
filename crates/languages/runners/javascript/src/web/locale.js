// There is no `Intl`. What is left of it: numbers and dates as American English writes them, in UTC, with the options that are asked for most.

import { define } from "./define.js";

const MONTHS = ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"];
const DAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const SYMBOLS = { USD: "$", EUR: "€", GBP: "£", JPY: "¥", INR: "₹", CNY: "CN¥", KRW: "₩", BRL: "R$", CAD: "CA$", AUD: "A$", MXN: "MX$", ILS: "₪" };

function numberText(value, options = {}) {
    if (Number.isNaN(value)) return "NaN";
    const { style, currency, minimumFractionDigits, maximumFractionDigits, useGrouping = true, notation } = options ?? {};
    if (notation === "compact") return compact(value, options);
    const shown = style === "percent" ? value * 100 : value;
    const least = minimumFractionDigits ?? (style === "currency" ? (currency === "JPY" || currency === "KRW" ? 0 : 2) : 0);
    const most = Math.max(least, maximumFractionDigits ?? (style === "currency" ? least : style === "percent" ? 0 : 3));
    const infinite = !Number.isFinite(shown);
    let [whole, fraction = ""] = infinite ? ["∞"] : rounded(Math.abs(shown), most).split(".");
    while (fraction.length > least && fraction.endsWith("0")) fraction = fraction.slice(0, -1);
    if (useGrouping && !infinite) whole = grouped(whole);
    const text = fraction === "" ? whole : `${whole}.${fraction}`;
    const negative = shown < 0 || Object.is(shown, -0) ? "-" : "";
    if (style === "currency") {
        const symbol = SYMBOLS[String(currency).toUpperCase()] ?? `${String(currency).toUpperCase()}\u00a0`;
        return `${negative}${symbol}${text}`;
    }
    return `${negative}${text}${style === "percent" ? "%" : ""}`;
}

/** Half away from zero, as people round; `toFixed` sees the binary number. */
function rounded(value, digits) {
    if (value >= 1e21) return BigInt(value).toString();
    const shortest = String(value);
    const [mantissa, exponent = "0"] = shortest.split("e");
    const [whole, fraction = ""] = mantissa.split(".");
    const point = whole.length + Number(exponent);
    const all = (whole + fraction).padEnd(point + digits + 1, "0");
    const padded = point <= 0 ? "0".repeat(1 - point) + all : all;
    const place = Math.max(point, 1);
    const kept = padded.slice(0, place + digits);
    const up = padded.charCodeAt(place + digits) >= 53;
    const number = (BigInt(kept) + (up ? 1n : 0n)).toString().padStart(digits + 1, "0");
    return digits === 0 ? number : `${number.slice(0, -digits)}.${number.slice(-digits)}`;
}

const grouped = (digits) => digits.replace(/\B(?=(?:\d{3})+$)/g, ",");

function compact(value, options) {
    const units = [[1e12, "T"], [1e9, "B"], [1e6, "M"], [1e3, "K"]];
    const [size, unit] = units.find(([from]) => Math.abs(value) >= from) ?? [1, ""];
    const scaled = value / size;
    return numberText(scaled, { maximumFractionDigits: options.maximumFractionDigits ?? (Math.abs(scaled) < 100 ? 1 : 0) }) + unit;
}

/** The offset of a zone in minutes; only UTC is known. */
function zone(options) {
    const name = options?.timeZone;
    if (name !== undefined && !/^(?:utc|gmt|etc\/(?:utc|gmt))$/i.test(name)) {
        throw new RangeError(`the time zone \`${name}\` is not known here; there is only UTC`);
    }
}

const two = (number) => String(number).padStart(2, "0");

function dateParts(date, options) {
    const { weekday, year, month, day } = options;
    const [y, m, d] = [date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate()];
    const yearText = year === "2-digit" ? two(y % 100) : String(y);
    const dayText = day === "2-digit" ? two(d) : String(d);
    const weekdayText = weekday === undefined ? "" : weekday === "long" ? DAYS[date.getUTCDay()] : DAYS[date.getUTCDay()].slice(0, weekday === "narrow" ? 1 : 3);
    if (month === "long" || month === "short") {
        const name = month === "long" ? MONTHS[m] : MONTHS[m].slice(0, 3);
        const rest = day === undefined ? name : `${name} ${dayText}`;
        const dated = year === undefined ? rest : day === undefined ? `${rest} ${yearText}` : `${rest}, ${yearText}`;
        return weekdayText === "" ? dated : `${weekdayText}, ${dated}`;
    }
    const numbers = [month && (month === "2-digit" ? two(m + 1) : String(m + 1)), day && dayText, year && yearText].filter(Boolean).join("/");
    return [weekdayText, numbers].filter(Boolean).join(", ");
}

function timeParts(date, options) {
    const { hour, minute, second, hour12 = true, hourCycle } = options;
    const twelve = hour12 && hourCycle !== "h23";
    const hours = date.getUTCHours();
    const shown = twelve ? hours % 12 || 12 : hours;
    const text = [hour && (hour === "2-digit" || !twelve ? two(shown) : String(shown)), minute && two(date.getUTCMinutes()), second && two(date.getUTCSeconds())].filter(Boolean).join(":");
    return twelve && hour ? `${text} ${hours < 12 ? "AM" : "PM"}` : text;
}

const DATE = { year: "numeric", month: "numeric", day: "numeric" };
const TIME = { hour: "numeric", minute: "2-digit", second: "2-digit" };
const STYLES = {
    full: { weekday: "long", year: "numeric", month: "long", day: "numeric" },
    long: { year: "numeric", month: "long", day: "numeric" },
    medium: { year: "numeric", month: "short", day: "numeric" },
    short: { year: "2-digit", month: "numeric", day: "numeric" },
};

function dateText(date, given, defaults) {
    if (Number.isNaN(date.getTime())) return "Invalid Date";
    zone(given);
    const options = { ...given };
    if (options.dateStyle) Object.assign(options, STYLES[options.dateStyle]);
    if (options.timeStyle) Object.assign(options, options.timeStyle === "short" ? { hour: "numeric", minute: "2-digit" } : TIME);
    const asked = ["weekday", "year", "month", "day", "hour", "minute", "second"].some((part) => options[part] !== undefined);
    if (!asked) Object.assign(options, defaults);
    const parts = [dateParts(date, options), timeParts(date, options)].filter((part) => part !== "");
    return parts.join(", ");
}

define(Number.prototype, {
    toLocaleString(_locales, options) {
        return numberText(Number(this), options);
    },
});
define(BigInt.prototype, {
    toLocaleString() {
        const text = BigInt.prototype.toString.call(this);
        return text.startsWith("-") ? `-${grouped(text.slice(1))}` : grouped(text);
    },
});
define(Date.prototype, {
    toLocaleString(_locales, options) {
        return dateText(this, options, { ...DATE, ...TIME });
    },
    toLocaleDateString(_locales, options) {
        return dateText(this, options, DATE);
    },
    toLocaleTimeString(_locales, options) {
        return dateText(this, options, TIME);
    },
});
