setTimeout(() => console.log("never printed"), 0);
console.log("before");
const again = () => Promise.resolve().then(again);
await again();
