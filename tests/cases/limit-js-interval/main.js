setInterval(() => { for (let n = 0; n < 1e6; n++); }, 0);
await new Promise(() => {});
