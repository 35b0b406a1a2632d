# Asks a bank for a balance with a token that it never sees.
#
#   bailiwick secret set bank-token
#   bailiwick run guest-examples/balance.py --policy policies/balance.toml --as accountant
import bailiwick
import requests

url = (input or {}).get("url", "https://api.bank.example/v1/balance")
token = bailiwick.secret("bank-token")  # a placeholder; the host sends the token in its place, to this bank alone
response = requests.get(url, headers={"authorization": f"Bearer {token}"})
response.raise_for_status()

balance = response.json()["balance"]
print("balance:", balance)

try:  # anywhere else the placeholder is refused
    requests.get(url, params={"debug": token})
except PermissionError as refusal:
    print("refused:", refusal.code)

result = balance
