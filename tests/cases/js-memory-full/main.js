import fs from "node:fs";

const block = new Uint8Array(1 << 20);
const full = (what, act) => {
  try {
    act();
    console.log(`${what}: no error`);
  } catch (error) {
    console.log(`${what}: ${error.name} ${error.code} ${error.reason ?? ""}`);
  }
};
const flood = (append) => {
  for (;;) append();
};

full("files", () => flood(() => bailiwick.files.append("/tmp/a", block)));
full("fs", () => flood(() => fs.appendFileSync("/tmp/a", block)));
full("a new file", () => flood(() => fs.writeFileSync("/tmp/b", block)));
await fs.promises.appendFile("/tmp/a", block).catch((error) => console.log(error.code, error.syscall, error.path));
bailiwick.files.remove("/tmp/a");
fs.writeFileSync("/tmp/b", "room again");
console.log(fs.readFileSync("/tmp/b", "utf8"));
