const ENTITIES = { amp: "&", lt: "<", gt: ">", quot: '"', euro: "€", mdash: "—" };

const decode = (text) =>
  text.replace(/&(?:#x([0-9a-f]+)|#(\d+)|(\w+));/gi, (whole, hex, decimal, name) => {
    if (hex) return String.fromCodePoint(parseInt(hex, 16));
    if (decimal) return String.fromCodePoint(Number(decimal));
    return ENTITIES[name] ?? whole;
  });

function* tokens(html) {
  const pattern = /<!--[\s\S]*?-->|<(script|style)\b[\s\S]*?<\/\1>|<(\/?)([a-z][a-z0-9]*)((?:\s+[^\s=>]+(?:=(?:"[^"]*"|'[^']*'|[^\s>]*))?)*)\s*\/?>|([^<]+)/gi;
  for (const [, , closing, tag, attributes, text] of html.matchAll(pattern)) {
    if (text !== undefined) yield { text: decode(text) };
    else if (tag) {
      const pairs = attributes.matchAll(/([^\s=]+)=(?:"([^"]*)"|'([^']*)'|(\S+))/g);
      const attrs = Object.fromEntries([...pairs].map(([, name, a, b, c]) => [name.toLowerCase(), decode(a ?? b ?? c)]));
      yield { tag: tag.toLowerCase(), closing: closing === "/", attrs };
    }
  }
}

const response = await fetch(input.url);
console.log(response.status, response.headers.get("Content-Type"));
const page = { title: "", links: [], rows: [] };
let cell = null, inTitle = false;
for (const token of tokens(await response.text())) {
  if (token.text !== undefined) {
    if (inTitle) page.title += token.text;
    if (cell !== null) cell += token.text;
    continue;
  }
  const { tag, closing, attrs } = token;
  if (tag === "title") inTitle = !closing;
  if (tag === "a" && attrs.href) page.links.push(new URL(attrs.href, input.url).pathname);
  if (tag === "tr" && !closing) page.rows.push([]);
  if (tag === "td" && !closing) cell = "";
  if (tag === "td" && closing) {
    page.rows.at(-1).push(cell.replace(/\s+/g, " ").trim());
    cell = null;
  }
}
page.rows = page.rows.filter((row) => row.length);
const inStock = page.rows.filter(([, , , stock]) => Number(stock) > 0).map(([article]) => article);
result = { ...page, inStock };
