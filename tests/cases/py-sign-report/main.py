import hashlib
import json
from decimal import Decimal

from bailiwick import crypto

KEY = f"reports/{input['month'][:4]}"

report = {
    "month": input["month"],
    "balance": str(sum(Decimal(amount) for _, amount in input["bookings"])),
    "bookings": [{"text": text, "amount": amount} for text, amount in input["bookings"]],
}
# Canonical: what is signed must not depend on how a program prints JSON.
message = json.dumps(report, sort_keys=True, separators=(",", ":")).encode()
digest = hashlib.sha256(message).hexdigest()
assert crypto.hash("sha256", message).hex() == digest, "the host's hash and ours differ"

signature = crypto.sign(KEY, message)
assert len(signature) == 64
print("verified:", crypto.verify(KEY, message, signature))
print("after a change:", crypto.verify(KEY, message.replace(b"8450.20", b"9450.20"), signature))
print("a cut signature:", crypto.verify(KEY, message, signature[:-1]))

try:
    crypto.sign("payments/2026", message)
except PermissionError as error:
    print("payments:", error.code)

result = {"digest": digest, "balance": report["balance"], "signature": signature.hex()}
