const URLS = [
  "file:///etc/passwd", "FILE:///etc/passwd", "file://localhost/etc/passwd", "data:text/plain,inline", "data:text/html;base64,PGI+", "blob:null/0", "javascript:fetch('x')",
  "ftp://127.0.0.1/", "ws://127.0.0.1:{{port}}/", "about:blank", "chrome://version", "gopher://127.0.0.1/", "unix:/var/run/docker.sock", "node:fs", "jar:file:///x!/",
  "view-source:http://127.0.0.1:{{port}}/", "/etc/passwd", "etc/passwd", "//127.0.0.1:{{port}}/hello", "?x", "#x", "", " ", "http://", "http:///", "http://?", ":", "::", "http",
];
const show = async (act) => {
  try { return `${(await act()).status}`; } catch (error) { return error?.code ?? error?.name; }
};
for (const url of URLS) {
  console.log(JSON.stringify(url.replace("{{port}}", "PORT")), await show(() => fetch(url)), await show(() => fetch(new Request(url))));
}
console.log(await show(() => fetch()), await show(() => fetch(null)), await show(() => fetch({})), await show(() => fetch(Symbol("x"))), await show(() => fetch([])));
