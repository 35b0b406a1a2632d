console.log([].indexOf.call({ length: 1000 }, 1));
Array.prototype.indexOf.call(new Proxy({}, { has: () => true, get: (_, name) => (name === "length" ? 2 ** 53 - 1 : 0) }), 1);
console.log("never printed");
