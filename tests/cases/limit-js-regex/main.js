console.log(/^(a+)+$/.test("a".repeat(20)));
/^(a|aa)+$/.test("a".repeat(60) + "b");
console.log("never printed");
