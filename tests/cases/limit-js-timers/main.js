let count = 0;
const again = () => {
  if (++count === 3) console.log("three times");
  setTimeout(again, 0);
};
again();
await new Promise(() => {});
