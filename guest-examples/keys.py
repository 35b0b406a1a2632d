# Seals and signs an invoice with keys of the host, checks both, and shows what a change and a wrong key look like.
#
#   bailiwick key create invoices/box --algorithm aes-256-gcm
#   bailiwick key create invoices/seal
#   bailiwick run guest-examples/keys.py --policy policies/crypto-all.toml --as crypto-bot --input '{"number": "2026-0142"}'
import hashlib
import hmac
import json
import secrets

from bailiwick import crypto

invoice = json.dumps({"number": input["number"], "cents": 129900, "nonce": secrets.token_hex(8)}).encode()

# The host makes the nonce; the number is authenticated and stays readable.
sealed = crypto.encrypt("invoices/box", invoice, additional=input["number"])
assert crypto.decrypt("invoices/box", sealed, additional=input["number"]) == invoice
print("version", int.from_bytes(sealed[:4]), "adds", len(sealed) - len(invoice), "bytes")

signature = crypto.sign("invoices/seal", sealed)
print("signature good:", crypto.verify("invoices/seal", sealed, signature))
print("of another text:", crypto.verify("invoices/seal", sealed + b"x", signature))

for what, attempt in {
    "changed": lambda: crypto.decrypt("invoices/box", sealed[:-1] + bytes([sealed[-1] ^ 1]), additional=input["number"]),
    "another number": lambda: crypto.decrypt("invoices/box", sealed, additional="2026-0143"),
    "no version": lambda: crypto.decrypt("invoices/box", b"\0\0\0\x09" + sealed[4:], additional=input["number"]),
    "key for something else": lambda: crypto.sign("invoices/box", b"x"),
    "not granted": lambda: crypto.sign("reports/2026", b"x"),
}.items():
    try:
        attempt()
        print(what, "passed")
    except (ValueError, PermissionError, OSError) as error:
        print(f"{what}: {error.code}")

# What needs no key of the host is Python's own.
mine = hmac.new(b"a key of the script's own", invoice, hashlib.sha256).digest()
assert hmac.compare_digest(mine, hmac.digest(b"a key of the script's own", invoice, "sha256"))
result = {"sealed": len(sealed), "digest": hashlib.sha3_256(b"abc").hexdigest()[:16]}
