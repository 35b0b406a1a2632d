const HOSTS = [
  "127.0.0.1:{{port}}", "localhost:{{port}}", "127.1:{{port}}", "0x7f.1:{{port}}", "0x7f000001:{{port}}", "2130706433:{{port}}", "017700000001:{{port}}",
  "0177.0.0.1:{{port}}", "127.000.000.001:{{port}}", "[::1]:{{port}}", "[::ffff:127.0.0.1]:{{port}}", "[::ffff:7f00:1]:{{port}}", "0.0.0.0:{{port}}", "[::]:{{port}}",
  "127.0.0.1.:{{port}}", "\u2460\u2461\u2466.0.0.1:{{port}}", "127\u30020\u30020\u30021:{{port}}", "LOCALHOST:{{port}}", "localhost.:{{port}}", "loc%61lhost:{{port}}",
  "169.254.169.254", "[fd00:ec2::254]", "metadata.google.internal", "100.100.100.200", "2852039166", "0xA9FEA9FE", "0251.0376.0251.0376", "[64:ff9b::a9fe:a9fe]",
];
for (const host of HOSTS) {
  const told = [];
  for (const make of [(url) => url, (url) => new URL(url), (url) => new Request(url)]) {
    try {
      told.push((await fetch(make(`http://${host}/hello`))).status);
    } catch (error) {
      told.push(error?.code ?? error?.name);
    }
  }
  console.log(host.replace("{{port}}", "PORT"), [...new Set(told)].join(" "));
}
