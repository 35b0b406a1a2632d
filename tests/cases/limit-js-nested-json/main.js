let data = [];
for (let depth = 0; depth < 100_000; depth++) data = [data];
console.log("before");
console.log(JSON.stringify(data).length);
