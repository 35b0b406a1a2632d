const { log } = console;
const then = Promise.prototype.then;
let seen = 0;
Promise.prototype.then = function (good, bad) {
  seen++;
  return then.call(this, (value) => good?.("forged"), (error) => good?.("forged instead of an error"));
};
Promise.prototype.catch = Promise.prototype.finally = function () { return this; };
Promise.resolve = Promise.reject = Promise.all = () => ({ then: (good) => good("forged") });

let heard = "nothing";
try {
  heard = await bailiwick.files.readText("/etc/passwd");
} catch (error) {
  heard = error?.code ?? error?.name;
}
log("a refused call says", heard);

class Fake extends Promise {
  static get [Symbol.species]() { return function (run) { run(() => {}, () => {}); }; }
}
globalThis.Promise = Fake;
try {
  log("fetch says", await fetch("http://169.254.169.254/latest/meta-data/"));
} catch (error) {
  log("fetch says", error?.code ?? error?.name);
}
log("then was called:", seen >= 0);
Promise.prototype.then = then;
({ then(resolve) { resolve({ then(resolve) { resolve("deep"); } }); } });
