const PATHS = [
  "/etc/passwd", "{{root}}/canary.txt", "/box/../canary.txt", "/box/../../canary.txt", "/box/./../canary.txt", "box/../canary.txt", "//box//..//canary.txt", "/box/..\\canary.txt", "/box\\seed.txt",
  "/box/%2e%2e/canary.txt", "/box/..%2fcanary.txt", "/box/seed.txt\0.png", "/box/\u2025/canary.txt", "/box/\uff0e\uff0e/canary.txt", "/box/.\u200b./canary.txt", "/box/seed.txt/../../canary.txt",
  "/box/.../x", "~/canary.txt", "file:///etc/passwd", "/box/" + "../".repeat(40) + "etc/passwd", "/box/" + "a/".repeat(200), "/box/" + "a".repeat(300), "", ".", "..", "/", "/..", "/BOX/seed.txt",
  "/box/to-file", "/box/to-folder/canary.txt", "/proc/self/environ", "/dev/tty", "\ud800", "/box/seed.txt",
];
const { files } = bailiwick;
const ways = { readText: [], writeText: ["mine"], list: [], stat: [], remove: [], makeDirectory: [], rename: ["/planted.txt"], exists: [] };
for (const path of PATHS) {
  const told = [];
  for (const [way, more] of Object.entries(ways)) {
    if (typeof files[way] !== "function" || (path === "/box/seed.txt" && way !== "readText" && way !== "list" && way !== "rename")) continue;
    try {
      const answer = await files[way](path, ...more);
      told.push(`${way}=${JSON.stringify(answer)?.replace(/"modified":[^,}]+/, '"modified":"…"')}`);
    } catch (error) {
      told.push(error?.code ?? error?.name);
    }
  }
  console.log(JSON.stringify(path.replace("{{root}}", "ROOT").slice(0, 40)), [...new Set(told)].join(" "));
}
