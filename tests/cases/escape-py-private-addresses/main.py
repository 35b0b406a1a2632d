import urllib.request

import requests

HOSTS = [
    "127.0.0.1:{{port}}", "localhost:{{port}}", "127.1:{{port}}", "0x7f.1:{{port}}", "0x7f000001:{{port}}", "2130706433:{{port}}", "017700000001:{{port}}",
    "0177.0.0.1:{{port}}", "127.000.000.001:{{port}}", "[::1]:{{port}}", "[::ffff:127.0.0.1]:{{port}}", "[0:0:0:0:0:ffff:7f00:1]:{{port}}", "0.0.0.0:{{port}}",
    "[::]:{{port}}", "127.0.0.1.:{{port}}", "\u2460\u2461\u2466.0.0.1:{{port}}", "127\u30020\u30020\u30021:{{port}}", "LOCALHOST:{{port}}", "localhost.:{{port}}",
    "169.254.169.254", "[fd00:ec2::254]", "metadata.google.internal", "100.100.100.200", "169.254.169.254.nip.io", "2852039166", "0xA9FEA9FE",
    "user@127.0.0.1:{{port}}", "127.0.0.1:{{port}}@example.org", "127.0.0.1:0{{port}}", "127.0.0.1%00.example.org", "example.org%2f@127.0.0.1",
]


def told(act):
    try:
        return repr(act())
    except BaseException as error:
        code = getattr(error, "code", None) or getattr(getattr(error, "reason", None), "code", None)
        return code if isinstance(code, str) else "error"


for host in HOSTS:
    url = f"http://{host}/hello"
    shown = ascii(host).replace("{{port}}", "PORT")
    one, two = told(lambda: urllib.request.urlopen(url).read()), told(lambda: requests.get(url).text)
    print(shown, one, "" if one == two else two)
