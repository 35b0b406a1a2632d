#!/usr/bin/env bash
# Checks the documents: every relative link leads to a file that is there, and every `#part` to a heading of it; every page of
# the book is in its summary; the program in the book is the one that is compiled. Needs node.
#
#   scripts/links.sh
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

git ls-files --cached --others --exclude-standard -z -- '*.md' | node -e '
const fs = require("node:fs"), path = require("node:path");
const files = fs.readFileSync(0, "utf8").split("\0").filter((file) => file && fs.existsSync(file));
const problems = [];

// Fenced blocks and code spans hold no links, and comments in them are no headings.
const prose = (file) => fs.readFileSync(file, "utf8").replace(/^(```+)[^\n]*\n[\s\S]*?^\1$/gm, "");
const slug = (heading) =>
  heading.trim().toLowerCase().replace(/[^\p{L}\p{N}\s_-]/gu, "").replace(/\s/g, "-");
const anchors = (file) => [...prose(file).matchAll(/^#{1,6} (.+)$/gm)].map((match) => slug(match[1]));

for (const file of files) {
  for (const [, target] of prose(file).replace(/`[^`\n]*`/g, "`").matchAll(/\]\(([^)\s]+)\)/g)) {
    if (/^[a-z]+:/.test(target)) continue;
    const [name, anchor] = target.split("#");
    const to = name ? path.join(path.dirname(file), decodeURI(name)) : file;
    if (!fs.existsSync(to)) problems.push(`${file}: \`${target}\` leads nowhere`);
    else if (anchor && !anchors(to).includes(anchor)) problems.push(`${file}: \`${target}\`: no such heading`);
  }
}

const book = "docs/src/";
const summary = fs.readFileSync(`${book}SUMMARY.md`, "utf8");
for (const file of files.filter((file) => file.startsWith(book) && file !== `${book}SUMMARY.md`))
  if (!summary.includes(`(${file.slice(book.length)})`)) problems.push(`${file}: not in SUMMARY.md`);

const [example, page] = ["crates/executor/examples/embed.rs", `${book}how-to/run-from-rust.md`];
const body = fs.readFileSync(example, "utf8").replace(/^(\/\/!.*\n)*(#!\[.*\n)?\n/, "");
if (!fs.readFileSync(page, "utf8").includes(body)) problems.push(`${page}: its program is not that of ${example}`);

for (const problem of problems) console.error(`links: ${problem}`);
if (problems.length) process.exit(1);
console.log(`links: ${files.length} documents`);
'
