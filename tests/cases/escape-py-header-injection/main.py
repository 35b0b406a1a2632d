import http.client
import urllib.request

import requests

URL = "http://127.0.0.1:{{port}}/echo"


def told(act):
    try:
        return act()
    except BaseException as error:
        code = getattr(error, "code", None) or getattr(getattr(error, "reason", None), "code", None)
        return code if isinstance(code, str) else type(error).__name__


def ask(headers=None, method="GET", url=URL, data=None):
    request = urllib.request.Request(url, data=data, headers=headers or {}, method=method)
    with urllib.request.urlopen(request) as response:
        text = response.read().decode()
    return [line for line in text.splitlines() if "evil" in line.lower()]


CASES = {
    "value": {"X-Note": "a\r\nX-Evil: 1"},
    "bare line feed": {"X-Note": "a\nX-Evil: 1"},
    "folded": {"X-Note": "a\r\n X-Evil: 1"},
    "name": {"X-Note\r\nX-Evil": "1"},
    "colon": {"X-Evil: 1\r\nX": "1"},
    "null": {"X-Note": "a\0evil"},
    "unicode": {"X-Note": "a\u010d\u010aX-Evil: 1"},
    "host": {"Host": "evil.example"},
    "length": {"Content-Length": "0", "X-Note": "evil"},
    "chunked": {"Transfer-Encoding": "chunked", "X-Note": "evil"},
    "connection": {"Connection": "X-Evil, keep-alive"},
    "upgrade": {"Upgrade": "evil", "Connection": "Upgrade"},
    "forwarded": {"X-Forwarded-For": "evil"},
    "authorization": {"Authorization": "Bearer evil"},
    "cookie": {"Cookie": "evil=1"},
    "expect": {"Expect": "evil"},
    "many": {f"X-Note-{n}": "evil" for n in range(500)},
    "long": {"X-Note": "evil" * 10_000},
    "allowed": {"X-Note": "evil but well-formed"},
}
for name, headers in CASES.items():
    one, two = told(lambda: ask(headers)), told(lambda: [line for line in requests.get(URL, headers=headers).text.splitlines() if "evil" in line.lower()])
    print(name, one, "" if one == two else two)

for method in ("GET\r\nX-Evil: 1", "GET /evil HTTP/1.1\r\nX: ", "TRACE", "CONNECT", "get", "EVIL", ""):
    print(ascii(method), told(lambda: ask(method=method)))
for path in ("/echo HTTP/1.1\r\nX-Evil: 1\r\n\r\nGET /secret", "/echo\nevil", "/echo evil", "/echo\tevil", "/echo?evil=\r\nX-Evil: 1", "/echo#evil"):
    print(ascii(path), told(lambda: ask(url="http://127.0.0.1:{{port}}" + path)))
print("raw connection", told(lambda: http.client.HTTPConnection("127.0.0.1", {{port}}).putrequest("GET", "/secret")))
