const lines = async (path) => (await bailiwick.files.readText(path)).trimEnd().split("\n");

function diff(a, b) {
  const lengths = Array.from({ length: a.length + 1 }, () => new Uint32Array(b.length + 1));
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      lengths[i][j] = a[i] === b[j] ? lengths[i + 1][j + 1] + 1 : Math.max(lengths[i + 1][j], lengths[i][j + 1]);
    }
  }
  const edits = [];
  let i = 0, j = 0;
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      edits.push("  " + a[i++]);
      j++;
    } else if (i < a.length && (j === b.length || lengths[i + 1][j] >= lengths[i][j + 1])) edits.push("- " + a[i++]);
    else edits.push("+ " + b[j++]);
  }
  return edits;
}

const escape = (text) => String(text).replace(/[&<>"]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[c]);
const html = (parts, ...values) =>
  parts.raw.reduce((text, part, at) => text + escape(values[at - 1]) + part);

const tagOf = { "-": (text) => html`<del>${text}</del>`, "+": (text) => html`<ins>${text}</ins>`, " ": escape };

const edits = diff(await lines("/data/a.txt"), await lines("/data/b.txt"));
const page = ["<pre>", ...edits.map((edit) => tagOf[edit[0]](edit)), "</pre>", ""].join("\n");
await bailiwick.files.writeText("/out/diff.html", page);

const count = (sign) => edits.filter((edit) => edit.startsWith(sign)).length;
console.log(`${count("+")} added, ${count("-")} removed, ${count(" ")} kept`);
edits;
