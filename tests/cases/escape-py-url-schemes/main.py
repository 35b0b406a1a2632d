import urllib.request

import requests

URLS = [
    "file:///etc/passwd", "FILE:///etc/passwd", "file://localhost/etc/passwd", "local_file:///etc/passwd", "local-file:///etc/passwd",
    "ftp://127.0.0.1/", "ftp:///etc/passwd", "url:file:///etc/passwd", "<URL:file:///etc/passwd>", "jar:file:///etc/passwd!/",
    "gopher://127.0.0.1:25/_HELO", "dict://127.0.0.1:11211/stat", "ldap://127.0.0.1/", "ws://127.0.0.1:{{port}}/", "unix:///var/run/docker.sock",
    "//127.0.0.1:{{port}}/hello", "/etc/passwd", "http:///etc/passwd", "http:127.0.0.1", "http://", "", "javascript:1", "about:blank", "blob:x",
]


def told(act):
    try:
        return repr(act())
    except BaseException as error:
        code = getattr(error, "code", None) or getattr(getattr(error, "reason", None), "code", None)
        return code if isinstance(code, str) else "error"


for url in URLS:
    shown = url.replace("{{port}}", "PORT")
    print(shown, "|", told(lambda: urllib.request.urlopen(url).read()), "|", told(lambda: requests.get(url).text))

print(told(lambda: urllib.request.URLopener().open("file:///etc/passwd").read()))
print(told(lambda: urllib.request.urlretrieve("file:///etc/passwd", "/x")))
print(told(lambda: urllib.request.build_opener(urllib.request.FileHandler()).open("file:///etc/passwd").read()))
print(told(lambda: urllib.request.FileHandler().open_local_file(urllib.request.Request("file:///etc/passwd")).read()))
print(told(lambda: urllib.request.pathname2url("/etc/passwd")))
