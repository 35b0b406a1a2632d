await new Promise((resolve) => setTimeout(resolve, 3_600_000));
console.log("never printed");
