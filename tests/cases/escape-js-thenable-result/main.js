const endless = { then(resolve) { resolve(endless2); } };
const endless2 = { then() {} };
console.log("handing over");
result = { toJSON() { return { a: 1n }; }, then: endless.then };
