"""`hashlib.pbkdf2_hmac`, which CPython has from a library that is not here."""

from _bailiwick.own import BUILTINS as __builtins__

import hashlib
import hmac
import operator


def pbkdf2_hmac(hash_name, password, salt, iterations, dklen=None):
    """Password based key derivation function 2 (PKCS #5 v2.0, RFC 8018) with HMAC as its function."""
    if not isinstance(hash_name, str):
        raise TypeError(f"pbkdf2_hmac() argument 'hash_name' must be str, not {type(hash_name).__name__}")
    keyed = hmac.new(bytes(memoryview(password)), None, hash_name)
    salt = bytes(memoryview(salt))
    iterations = operator.index(iterations)
    size = keyed.digest_size
    length = size if dklen is None else operator.index(dklen)
    if iterations < 1:
        raise ValueError("iteration value must be greater than 0.")
    if length < 1:
        raise ValueError("key length must be greater than 0.")
    key = b""
    block = 0
    while len(key) < length:
        block += 1
        key += _block(keyed, salt + block.to_bytes(4, "big"), iterations, size)
    return key[:length]


def _block(keyed, first, iterations, size):
    """The function applied again and again, all results XORed."""
    value, total = first, 0
    for _ in range(iterations):
        turn = keyed.copy()
        turn.update(value)
        value = turn.digest()
        total ^= int.from_bytes(value, "little")
    return total.to_bytes(size, "little")


def install():
    """Puts it where programs look for it."""
    pbkdf2_hmac.__module__ = "hashlib"
    hashlib.pbkdf2_hmac = pbkdf2_hmac
    if "pbkdf2_hmac" not in hashlib.__all__:
        hashlib.__all__ += ("pbkdf2_hmac",)
