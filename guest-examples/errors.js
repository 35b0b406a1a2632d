// Counts the errors in a log that is larger than the run's memory: the response is read piece by piece.
//
//   policy:  one that allows the address, with a `limits.response` as large as the log
//   run:     bailiwick run guest-examples/errors.js --policy POLICY --as AGENT --input '{"log": "https://…"}'
const { body } = await fetch(input.log);
const decoder = new TextDecoder();

let lines = 0;
let errors = 0;
let last = "";
let rest = "";
for await (const piece of body) {
  const found = (rest + decoder.decode(piece, { stream: true })).split("\n");
  rest = found.pop();
  lines += found.length;
  for (const line of found) {
    if (line.includes(" ERROR ")) {
      errors += 1;
      last = line;
    }
  }
}
console.log(`${errors} errors in ${lines} lines; the last one: ${last}`);
result = { lines, errors };
