import json
import urllib.error
import urllib.request

import requests

URL = input["url"]
PRIORITY = {"critical": 1, "warning": 3}


def post(payload, content_type="application/json"):
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    request = urllib.request.Request(URL, data=body, headers={"Content-Type": content_type}, method="POST")
    try:
        with urllib.request.urlopen(request) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())


tickets = []
for alert in input["alerts"]:
    if alert["level"] not in PRIORITY:
        continue
    payload = {"title": f"{alert['service']} is unwell", "priority": PRIORITY[alert["level"]]}
    response = requests.post(URL, json=payload)
    response.raise_for_status()
    assert response.status_code == 201
    tickets.append(response.json())

refusals = [
    post({"priority": 1}),
    post(b"{not json"),
    post({"title": "x"}, content_type="text/plain"),
]
for status, answer in refusals:
    print(status, answer["error"])

# Reading the list of tickets is not part of the job, and not allowed.
try:
    requests.get(URL)
except PermissionError as error:
    print(type(error).__name__, error.code)

result = tickets
