const NAMES = `process require module exports Buffer global __dirname __filename Deno Bun std os bjson scriptArgs print load loadScript
read readline readbuffer quit gc version options WScript ActiveXObject Java Packages importPackage java android window self document
navigator location XMLHttpRequest WebSocket EventSource Worker SharedWorker ServiceWorker importScripts indexedDB localStorage
sessionStorage caches Notification postMessage BroadcastChannel MessageChannel WebTransport RTCPeerConnection alert prompt confirm open
SharedArrayBuffer Atomics WebAssembly ShadowRealm Realm Compartment Intl Temporal setImmediate __loadScript $262 arguments
DEPLOY_TOKEN env argv exit system exec spawn child_process fs net http`.split(/\s+/);

const there = NAMES.filter((name) => { try { return eval(`typeof ${name}`) !== "undefined"; } catch { return false; } });
console.log("there are:", there.sort().join(" "));
for (const name of there) {
  const value = eval(name);
  if (value === globalThis) console.log(name, "is the global object");
}

const own = Object.getOwnPropertyNames(globalThis).filter((name) => !/^[A-Z]/.test(name)).sort();
console.log("globals in lower case:", own.join(" "));
console.log("symbols:", Object.getOwnPropertySymbols(globalThis).map(String).sort().join(" "));
console.log("prototype:", Object.getPrototypeOf(globalThis) === Object.prototype, Object.isFrozen(globalThis));
