import bailiwick
import requests

base = input["base"]
account = base + "/api/account"
key = bailiwick.secret("account-key")
print(len(key), key == bailiwick.secret("account-key"))

for response in (
    requests.get(account, headers={"Authorization": f"Bearer {key}"}),
    requests.get(account, params={"key": key}),
    requests.post(account, json={"token": key, "amount": 1}),
):
    told = response.json()
    print(response.status_code, told["place"], told["balance"])
    print([line.count(key) for line in told["heard"]], key in told["basic"], response.headers["x-heard"] == key)
    print("c4na" + "ry" in response.text, "YzRuYXJ5" in response.text)

for name, ask in {
    "another path": lambda: requests.get(base + "/echo", headers={"authorization": key}),
    "another path, in the body": lambda: requests.post(base + "/echo", data=key),
    "another header": lambda: requests.get(account, headers={"user-agent": key}),
    "twice": lambda: requests.get(account, headers={"authorization": f"{key} {key}"}),
    "in the path": lambda: requests.get(f"{account}/{key}"),
    "another parameter": lambda: requests.get(account, params={"other": key}),
    "another member": lambda: requests.post(account, json={"other": key}),
    "a guess": lambda: requests.get(account, headers={"authorization": "bailiwick-secret-" + "0" * 32}),
    "no such secret": lambda: bailiwick.secret("missing"),
    "denied": lambda: bailiwick.secret("taken"),
    "no rule": lambda: bailiwick.secret("other"),
    "no name": lambda: bailiwick.secret("../master.key"),
}.items():
    try:
        print(name, ask())
    except (OSError, LookupError) as error:
        print(f"{name}: {type(error).__name__} {error.code}")
