const url = "http://127.0.0.1:{{port}}/hello";
const answers = await Promise.allSettled(Array.from({ length: 20 }, () => fetch(url)));
const refused = answers.filter((answer) => answer.status === "rejected").map(({ reason }) => `${reason.name} ${reason.code}`);
result = { done: answers.filter((answer) => answer.status === "fulfilled").length, refused: [...new Set(refused)] };
