const P = "127.0.0.1:{{port}}";
const URLS = [
  `http://${P}@169.254.169.254/`, `http://169.254.169.254@${P}/hello`, `http://user:pass@${P}/hello`, `http://${P}\\@169.254.169.254/`, `http://${P}#@169.254.169.254/`,
  `http://169.254.169.254#@${P}/hello`, `http://169.254.169.254\\@${P}/hello`, `http://${P}?@169.254.169.254/`, `http:\\\\${P}\\secret`, `http:/${P}/secret`, `http:${P}/secret`,
  `http:///${P}/secret`, `ht\ntp://${P}/secret`, `http://${P}/sec\tret`, ` http://${P}/secret `, `http://${P}/\u0000secret`, `http://${P}/secret%00`, `http://${P}//secret`,
  `http://${P}/./secret`, `http://${P}/x/../secret`, `http://${P}/%2e%2e/secret`, `http://${P}/%73ecret`, `http://${P}/SECRET`, `http://${P}/secret/`, `http://${P}/secret?x`,
  `http://${P}/secret#x`, `http://${P}/secret;x`, `http://${P}/x%2f..%2fsecret`, `http://${P}/x%5c..%5csecret`, `http://${P}/%252e%252e/secret`, `HTTP://${P}/secret`, `http://${P}/hello world`,
  `http://127.0.0.1%09:{{port}}/secret`, `http://127.0.0.1:{{port}}:80/`, `http://[127.0.0.1]:{{port}}/`, `http://127.0.0.1:99999/`, `http://127.0.0.1:-1/`, `http://127.0.0.1:{{port}} /hello`,
  `http://${P}/${"a".repeat(1000)}`, `https://${P}/hello`,
];
for (const url of URLS) {
  let told;
  try {
    const response = await fetch(url);
    told = `${response.status} ${(await response.text()).slice(0, 20)}`;
  } catch (error) {
    told = error?.code ?? error?.name;
  }
  console.log(JSON.stringify(url.replaceAll("{{port}}", "PORT").slice(0, 60)), "->", told);
}
