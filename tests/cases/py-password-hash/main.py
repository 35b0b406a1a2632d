import hashlib
import hmac

VECTORS = [
    ("sha1", b"password", b"salt", 1, 20, "0c60c80f961f0e71f3a9b524af6012062fe037a6"),
    ("sha1", b"password", b"salt", 4096, 20, "4b007901b765489abead49d926f721d065a429c1"),
    ("sha1", b"pass\0word", b"sa\0lt", 4096, 16, "56fa6aa75548099dcc37d7f03425e0c3"),
    ("sha256", b"password", b"salt", 1, None, "120fb6cffcf8b32c43e7225256c4f837a86548c92ccc35480805987cb70be17b"),
    ("sha256", b"password", b"salt", 4096, 32, "c5e478d59288c841aa530db6845c4c8d962893a001ce4e11a4963873aa98134a"),
    ("sha256", b"passwordPASSWORDpassword", b"saltSALTsaltSALTsaltSALTsaltSALTsalt", 4096, 40,
     "348c89dbcbd32b2f32d814b8116e84cf2b17347ebc1800181c4e2a1fb8dd53e1c635518c7dac47e9"),
    ("sha256", b"passwd", b"salt", 1, 64,
     "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc"
     "49ca9cccf179b645991664b39d77ef317c71b845b1e30bd509112041d3a19783"),
]
for name, password, salt, rounds, length, expected in VECTORS:
    key = hashlib.pbkdf2_hmac(name, password, salt, rounds, length).hex()
    print(name, rounds, key == expected or key)
for arguments in (("sha256", b"p", b"s", 0), ("sha256", b"p", b"s", 1, 0), ("sha0", b"p", b"s", 1), ("sha256", "text", b"s", 1)):
    try:
        print(hashlib.pbkdf2_hmac(*arguments))
    except (TypeError, ValueError) as error:
        print(type(error).__name__)


def stored(password: str, salt: bytes) -> bytes:
    return hashlib.pbkdf2_hmac("sha512", password.encode(), salt, 1000)


result = {
    "right": hmac.compare_digest(stored("correct horse", b"battery"), stored("correct horse", b"battery")),
    "wrong": hmac.compare_digest(stored("correct horse", b"battery"), stored("staple", b"battery")),
}
