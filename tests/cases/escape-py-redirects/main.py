import urllib.request

import requests

BASE = "http://127.0.0.1:{{port}}"


def told(act):
    try:
        return repr(act())
    except BaseException as error:
        code = getattr(error, "code", None) or getattr(getattr(error, "reason", None), "code", None)
        return code if isinstance(code, str) else type(error).__name__


for page in ("moved", "to-metadata", "to-file", "to-data", "to-name", "to-secret", "loop", "secret"):
    url = f"{BASE}/{page}"
    print(page, told(lambda: urllib.request.urlopen(url).read()), told(lambda: requests.get(url).text), told(lambda: requests.get(url, allow_redirects=False).status_code))


class Follower(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, request, *_):
        return urllib.request.Request("file:///etc/passwd")

    def http_error_302(self, request, *_):
        return urllib.request.urlopen("http://169.254.169.254/latest/meta-data/")


print(told(lambda: urllib.request.build_opener(Follower).open(f"{BASE}/to-secret").read()))
print(told(lambda: requests.post(f"{BASE}/to-metadata", data="x").status_code))
