// Fetches each address among the arguments, and prints its status or the code of the refusal.
//
//   policy:  policies/fetch-public.toml
//   run:     bailiwick run target/guests/fetch.wasm --policy policies/fetch-public.toml --as fetch-bot
//              -- https://example.com/ https://www.example.org/docs/start https://example.com/private/x http://127.0.0.1/
import { ask, quote } from "./core";

/** The strings of {"args":["…","…"]}. Addresses have no quotes in them; anything else ends the list. */
function strings(text: string): string[] {
  const found: string[] = [];
  let at = text.indexOf("[");
  while (at + 1 < text.length && text.charAt(at + 1) == '"') {
    const end = text.indexOf('"', at + 2);
    if (end < 0) break;
    found.push(text.substring(at + 2, end));
    at = end + 1;
  }
  return found;
}

/** The whole number after `"name":`, as text. */
function number(text: string, name: string): string {
  const start = text.indexOf(`"${name}":`) + name.length + 3;
  let end = start;
  while (end < text.length && text.charCodeAt(end) >= 48 && text.charCodeAt(end) <= 57) end++;
  return text.substring(start, end);
}

export function run(): i32 {
  const addresses = strings(ask("args", "{}").text);
  let answered = 0;
  for (let i = 0; i < addresses.length; i++) {
    const reply = ask("fetch", `{"url":${quote(addresses[i])},"method":"GET","headers":[["accept","text/html"]]}`);
    const outcome = reply.failed ? reply.member("code") : number(reply.text, "status");
    if (!reply.failed) answered++;
    ask("print", `{"text":${quote(addresses[i] + "  " + outcome).slice(0, -1)}\\n"}`);
  }
  return ask("result", `{"value":{"asked":${addresses.length},"answered":${answered}}}`).failed ? 1 : 0;
}
