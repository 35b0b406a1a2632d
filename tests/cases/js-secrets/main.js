const account = `${input.base}/api/account`;
const key = secret("account-key");
console.log(key.length, key === bailiwick.secret("account-key"));

const json = (body) => ({ method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
for (const [url, options] of [
    [account, { headers: { authorization: `Bearer ${key}` } }],
    [`${account}?${new URLSearchParams({ key })}`, {}],
    [account, json({ token: key, amount: 1 })],
]) {
    const response = await fetch(url, options);
    const text = await response.text();
    const told = JSON.parse(text);
    console.log(response.status, told.place, told.balance);
    console.log(told.heard.map((line) => line.split(key).length - 1), told.basic.includes(key), response.headers.get("x-heard") === key);
    console.log(text.includes("c4na" + "ry"), text.includes("YzRuYXJ5"));
}

for (const [name, ask] of Object.entries({
    "another path": () => fetch(`${input.base}/echo`, { headers: { authorization: key } }),
    "another path, in the body": () => fetch(`${input.base}/echo`, { method: "POST", body: key }),
    "another header": () => fetch(account, { headers: { accept: key } }),
    twice: () => fetch(account, { headers: { authorization: `${key} ${key}` } }),
    "in the path": () => fetch(`${account}/${key}`),
    "another parameter": () => fetch(`${account}?other=${key}`),
    "another member": () => fetch(account, json({ other: key })),
    "a guess": () => fetch(account, { headers: { authorization: `bailiwick-secret-${"0".repeat(32)}` } }),
    "no such secret": () => secret("missing"),
    denied: () => secret("taken"),
    "no rule": () => secret("other"),
    "no name": () => secret("../master.key"),
})) {
    try {
        console.log(name, await ask());
    } catch (error) {
        console.log(`${name}: ${error.name} ${error.code}`);
    }
}
