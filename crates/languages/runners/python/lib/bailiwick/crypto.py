"""Cryptography with the host's keys, which are named `ring/key` and never leave it.

A key has versions: the newest signs and encrypts, all of them verify and decrypt.

Text is taken as UTF-8. All inputs of one call together have at most 8 MiB.
"""

from _bailiwick import host

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
    known = _HASHES.get(algorithm) or _HASHES.get(algorithm.lower().replace("_", "-"))
    if known is None:
        raise ValueError(f"no hash algorithm {algorithm!r}; there are {', '.join(_HASHES)}")
    return host.call("crypto hash", host.crypto.hash, known, _bytes(data))


def random(length: int) -> bytes:
    """At most 64 KiB of random bytes, good enough for keys."""
    return host.call("crypto random", host.crypto.random, length)


def hmac(key: str, data: bytes | str) -> bytes:
    """The HMAC of data, with the hash of the key."""
    return host.call(f"crypto hmac {key}", host.crypto.hmac, key, _bytes(data))


def sign(key: str, message: bytes | str) -> bytes:
    """A signature: Ed25519, ECDSA on P-256 or P-384, or RSA-PSS, as the key is."""
    return host.call(f"crypto sign {key}", host.crypto.sign, key, _bytes(message))


def verify(key: str, message: bytes | str, signature: bytes) -> bool:
    """Whether a signature (or, for an HMAC key, a tag) is good."""
    return host.call(f"crypto verify {key}", host.crypto.verify, key, _bytes(message), bytes(signature))


def encrypt(key: str, plaintext: bytes | str, additional: bytes | str = b"") -> bytes:
    """Encrypts and authenticates plaintext, and authenticates `additional` with it."""
    return host.call(f"crypto encrypt {key}", host.crypto.encrypt, key, _bytes(plaintext), _bytes(additional))


def decrypt(key: str, sealed: bytes, additional: bytes | str = b"") -> bytes:
    """Opens what `encrypt` gave. Raises `ValueError` when it is not authentic."""
    return host.call(f"crypto decrypt {key}", host.crypto.decrypt, key, bytes(sealed), _bytes(additional))


def derive(key: str, salt: bytes | str = b"", info: bytes | str = b"", length: int = 32) -> bytes:
    """1 to 64 bytes derived from a key: HKDF with SHA-256."""
    return host.call(f"crypto derive {key}", host.crypto.derive, key, _bytes(salt), _bytes(info), length)


def _bytes(data):
    return data.encode() if isinstance(data, str) else bytes(data)
