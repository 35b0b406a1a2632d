import base64
import binascii
import hashlib
import hmac
import secrets
import struct
import uuid
import zlib

message = input["message"].encode()

digests = {name: hashlib.new(name, message).hexdigest()[:16] for name in ("md5", "sha1", "sha256", "sha3_256", "blake2b")}
large = hashlib.sha256()
for _ in range(1000):
    large.update(b"x" * 100)
assert large.hexdigest() == hashlib.sha256(b"x" * 100_000).hexdigest()

# RFC 4231, test case 2.
tag = hmac.new(input["key"].encode(), input["data"].encode(), hashlib.sha256).hexdigest()
assert hmac.compare_digest(tag, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")

texts = {
    "base64": base64.b64encode(message).decode(),
    "urlsafe": base64.urlsafe_b64encode(b"\xfb\xff\xfe").decode(),
    "base32": base64.b32encode(message[:5]).decode(),
    "base85": base64.b85encode(message[:8]).decode(),
    "hex": binascii.hexlify(message[:6], ":").decode(),
}
assert base64.b64decode(texts["base64"]) == message
try:
    base64.b64decode("Gr!", validate=True)
except binascii.Error as error:
    print(type(error).__name__)

# A record: magic, version, flags, a float, a name of fixed length; then its checksum.
layout = struct.Struct("<4sHBxd8s")
record = layout.pack(b"BLWK", 3, 0b101, 2.5, b"sensor")
sealed = record + struct.pack("<I", zlib.crc32(record))
magic, version, flags, value, name = layout.unpack_from(sealed)
print(layout.size, magic.decode(), version, f"{flags:03b}", value, name.rstrip(b"\0").decode())

tokens = {secrets.token_hex(16) for _ in range(100)}
assert len(tokens) == 100 and all(len(token) == 32 for token in tokens)
assert 0 <= secrets.randbelow(10) < 10 and uuid.uuid4() != uuid.uuid4() and uuid.uuid4().version == 4

result = {
    "digests": digests,
    "texts": texts,
    "uuid5": str(uuid.uuid5(uuid.NAMESPACE_DNS, "python.org")),
    "crc": f"{zlib.crc32(message):08x}",
    "latin1": message.decode().encode("latin-1", "replace").decode("latin-1"),
}
