import urllib.request
import requests

base = input["base"]
with urllib.request.urlopen(f"{base}/hello") as answer:
    print(answer.status, answer.length, answer.read(2), answer.read1(2), answer.read(), answer.read(), answer.closed)
print(answer.closed)

with urllib.request.urlopen(f"{base}/large") as answer:
    sizes = [len(piece) for piece in iter(lambda: answer.read(1_000_000), b"")]
print(sizes)
print(urllib.request.urlopen(f"{base}/log").readline())

with requests.get(f"{base}/large", stream=True) as answer:
    print(answer.status_code, answer.headers["content-length"], [len(piece) for piece in answer.iter_content(2**20)])
    try:
        answer.content
    except RuntimeError as error:
        print(error)
print(len(requests.get(f"{base}/large", stream=True).content), requests.get(f"{base}/hello", stream=True).text)
with requests.get(f"{base}/log", stream=True) as answer:
    print(next(answer.iter_lines(decode_unicode=True)))

# More than the open handles of a run, none of them read to its end.
for _ in range(130):
    urllib.request.urlopen(f"{base}/large").read(1)


def attempt(what, call):
    try:
        print(what, call())
    except Exception as error:
        print(what, type(error).__module__, type(error).__name__, error)


def read_on(path):
    with urllib.request.urlopen(base + path) as answer:
        return answer.read(4) + answer.read()


def lines(path):
    with requests.get(base + path, stream=True) as answer:
        return sum(1 for _ in answer.iter_lines())


attempt("/endless", lambda: read_on("/endless"))
for path in ("/missing", "/slow", "/not-gzip"):
    attempt(path, lambda: read_on(path))
    attempt(path, lambda: lines(path))
