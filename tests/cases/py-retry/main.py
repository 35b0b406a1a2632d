import time

import requests

BASE = input["base"]
attempts = []


class GaveUp(Exception):
    pass


def fetch_with_retry(path, tries=5, pause=0.01):
    session = requests.Session()
    session.headers.update({"Accept": "application/json"})
    for attempt in range(1, tries + 1):
        response = session.get(f"{BASE}/{path}", timeout=5)
        attempts.append((path, response.status_code))
        if response.status_code < 500:
            response.raise_for_status()
            return response.json()
        wait = max(pause * 2 ** (attempt - 1), float(response.headers.get("Retry-After", 0)))
        print(f"{path}: {response.status_code}, attempt {attempt}, waiting {wait:.2f} s")
        time.sleep(wait)
    raise GaveUp(f"{path} after {tries} attempts")


ready = fetch_with_retry("flaky/3")
print("ready:", ready)

try:
    fetch_with_retry("flaky/9", tries=4)
except GaveUp as error:
    print("gave up:", error)

try:
    fetch_with_retry("customers/99")
except requests.HTTPError as error:
    print("not retried:", error.response.status_code, error.response.json()["error"])

orders = requests.get(f"{BASE}/orders", params={"page": 3, "per_page": 10}, timeout=5)
print(orders.ok, orders.headers["content-type"], len(orders.json()["items"]))

result = {"attempts": len(attempts), "ready_at": ready["attempt"], "statuses": [status for _, status in attempts]}
