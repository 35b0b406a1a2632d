// Seals an invoice: adds up its items, hashes it, and computes an HMAC over the digest with a key that it never sees.
//
//   policy:  policies/crypto-all.toml
//   run:     bailiwick run target/guests/invoice.wasm --policy policies/crypto-all.toml --as crypto-bot
//              --input '{"number":"2026-117","items":[{"what":"lamp","cents":3990},{"what":"tray","cents":1995}]}'
//   key:     `invoices/2026`, an HMAC key; bailiwick.toml lets the first use make it
//   result:  {"cents":5985,"sha256":"…","tag":"…"}
import { ask, quote, Reply } from "./core";

/** The sum of all `"cents":N` in the invoice, or -1 when there is none. */
function total(invoice: string): i64 {
  const name = '"cents":';
  let sum: i64 = -1;
  for (let at = invoice.indexOf(name); at >= 0; at = invoice.indexOf(name, at)) {
    let value: i64 = 0;
    for (at += name.length; at < invoice.length; at++) {
      const digit = invoice.charCodeAt(at) - 48;
      if (digit < 0 || digit > 9) break;
      value = value * 10 + digit;
    }
    sum = (sum < 0 ? 0 : sum) + value;
  }
  return sum;
}

function complain(text: string): void {
  ask("print", `{"text":${quote("invoice: " + text)},"stream":"stderr"}`);
}

/** One step that the seal cannot do without; an error reply is shown with its code. */
function need(op: string, argument: string): Reply {
  const reply = ask(op, argument);
  if (reply.failed) complain(`${op}: ${reply.member("code")}`);
  return reply;
}

export function run(): i32 {
  // The reply is {"input":…}: what is between the first colon and the last brace is the invoice, byte for byte.
  const input = ask("input", "{}").text;
  const invoice = input.substring(input.indexOf(":") + 1, input.length - 1);
  const cents = total(invoice);
  if (cents < 0) {
    complain('the input has no item with "cents"');
    return 1;
  }

  const hash = need("crypto.hash", `{"algorithm":"sha-256","data":${quote(invoice)}}`);
  if (hash.failed) return 2;
  const digest = hash.member("hex");

  const mac = need("crypto.hmac", `{"key":"invoices/2026","data":${quote(digest)}}`);
  if (mac.failed) return 3;

  ask("print", `{"text":"${cents / 100}.${(cents % 100).toString().padStart(2, "0")} sealed\\n"}`);
  return ask("result", `{"value":{"cents":${cents},"sha256":"${digest}","tag":"${mac.member("tag")}"}}`).failed ? 4 : 0;
}
