const BASE = "http://127.0.0.1:{{port}}";
const show = async (act) => {
  try {
    const response = await act();
    return `${response.status} ${(await response.text()).slice(0, 20)}`.trimEnd();
  } catch (error) {
    return error?.code ?? error?.name;
  }
};
for (const page of ["moved", "to-metadata", "to-file", "to-data", "to-name", "to-secret", "loop", "secret"]) {
  const told = [];
  for (const redirect of ["follow", "manual", "error"]) told.push(await show(() => fetch(`${BASE}/${page}`, { redirect })));
  console.log(page, told.join(" | "));
}
console.log(await show(() => fetch(`${BASE}/to-metadata`, { method: "POST", body: "x" })));

const response = await fetch(`${BASE}/moved`, { redirect: "manual" });
const location = response.headers.get("location");
console.log(await show(() => fetch(new URL(location ?? "/to-secret", "http://169.254.169.254"))));
