// Marks notes as read, which is staged: if the script fails half way, not one of them is changed. A list of them is handed over.
//
//   mkdir -p policies/data/notes; bailiwick run guest-examples/drafts.js --policy policies/drafts.toml --as editor --out ./handed-over
const { files } = bailiwick;

files.makeDirectory("/notes/read");
const names = files.list("/notes").filter(({ kind }) => kind === "file").map(({ name }) => name);
for (const name of names) {
  files.append(`/notes/${name}`, "(read)\n");
  files.rename(`/notes/${name}`, `/notes/read/${name}`);
}
files.write("/tmp/names", names.join(" "));
files.writeText("/out/names.txt", files.readText("/tmp/names"));
if (args[0] === "fail") throw new Error("half way");
result = { moved: names.length, left: files.list("/notes").map(({ name }) => name) };
