let data = {};
for (let depth = 0; depth < 1e5; depth++) data = { data };
console.log("before");
try {
  structuredClone(data);
} catch (error) {
  console.log(error.name);
}
