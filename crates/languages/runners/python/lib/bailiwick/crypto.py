"""Cryptography with the host's keys, which are named `ring/key` and never leave it.

A key has versions: the newest signs and encrypts, all of them verify and decrypt.

Text is taken as UTF-8. All inputs of one call together have at most 8 MiB.
"""

from _bailiwick import host
from _bailiwick.arguments import data as _data, octets as _octets, text as _text, whole as _whole

_HASHES = {
    "sha256": host.Constant(host.crypto.HashAlgorithm.SHA256),
    "sha384": host.Constant(host.crypto.HashAlgorithm.SHA384),
    "sha512": host.Constant(host.crypto.HashAlgorithm.SHA512),
    "sha3-256": host.Constant(host.crypto.HashAlgorithm.SHA3_V256),
    "sha3-384": host.Constant(host.crypto.HashAlgorithm.SHA3_V384),
    "sha3-512": host.Constant(host.crypto.HashAlgorithm.SHA3_V512),
    "blake3": host.Constant(host.crypto.HashAlgorithm.BLAKE3),
}


def hash(algorithm: str, data: bytes | str) -> bytes:
    """The digest of data: sha256, sha384, sha512, sha3-256, sha3-384, sha3-512 or blake3."""
    name = _text(algorithm, "crypto.hash: `algorithm`")
    known = _HASHES.get(name) or _HASHES.get(name.lower().replace("_", "-"))
    if known is None:
        raise ValueError(f"no hash algorithm {name!r}; there are {', '.join(_HASHES)}")
    return host.call("crypto hash", host.crypto.hash, known, _data(data, "crypto.hash: `data`"))


def random(length: int) -> bytes:
    """At most 64 KiB of random bytes, good enough for keys."""
    return host.call("crypto random", host.crypto.random, _whole(length, "crypto.random: `length`"))


def hmac(key: str, data: bytes | str) -> bytes:
    """The HMAC of data, with the hash of the key."""
    return _call("hmac", host.crypto.hmac, key, _data(data, "crypto.hmac: `data`"))


def sign(key: str, message: bytes | str) -> bytes:
    """A signature: Ed25519, ECDSA on P-256 or P-384, or RSA-PSS, as the key is."""
    return _call("sign", host.crypto.sign, key, _data(message, "crypto.sign: `message`"))


def verify(key: str, message: bytes | str, signature: bytes) -> bool:
    """Whether a signature (or, for an HMAC key, a tag) is good."""
    content, mark = _data(message, "crypto.verify: `message`"), _octets(signature, "crypto.verify: `signature`")
    return _call("verify", host.crypto.verify, key, content, mark)


def encrypt(key: str, plaintext: bytes | str, additional: bytes | str = b"") -> bytes:
    """Encrypts and authenticates plaintext, and authenticates `additional` with it."""
    content, beside = _data(plaintext, "crypto.encrypt: `plaintext`"), _data(additional, "crypto.encrypt: `additional`")
    return _call("encrypt", host.crypto.encrypt, key, content, beside)


def decrypt(key: str, sealed: bytes, additional: bytes | str = b"") -> bytes:
    """Opens what `encrypt` gave. Raises `ValueError` when it is not authentic."""
    content, beside = _octets(sealed, "crypto.decrypt: `sealed`"), _data(additional, "crypto.decrypt: `additional`")
    return _call("decrypt", host.crypto.decrypt, key, content, beside)


def derive(key: str, salt: bytes | str = b"", info: bytes | str = b"", length: int = 32) -> bytes:
    """1 to 64 bytes derived from a key: HKDF with SHA-256."""
    grain, purpose = _data(salt, "crypto.derive: `salt`"), _data(info, "crypto.derive: `info`")
    return _call("derive", host.crypto.derive, key, grain, purpose, _whole(length, "crypto.derive: `length`"))


def _call(operation, function, key, *arguments):
    name = _text(key, f"crypto.{operation}: `key`")
    return host.call(f"crypto {operation} {name}", function, name, *arguments)
