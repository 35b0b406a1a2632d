"""What scripts hand over, in the very types that the host's functions take. Another one would end the run in the glue below.

`name` says whose argument it is, as in "crypto.sign: `key`".
"""

from _bailiwick.own import BUILTINS as __builtins__

_HUGE = 2**32 - 1


def text(value, name):
    """Text, as a plain `str` that UTF-8 can say."""
    if type(value) is not str:
        if not isinstance(value, str):
            raise TypeError(f"{name} is text (str), not {_kind(value)}{_make(value, 'str')}")
        value = str.__str__(value)
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise ValueError(f"{name} has half a surrogate pair at {error.start}, which no text has; leave it out") from None
    return value


def data(value, name):
    """Bytes, or text as UTF-8."""
    if isinstance(value, str):
        return text(value, name).encode()
    return octets(value, name, "bytes or text")


def octets(value, name, what="bytes"):
    """Bytes. Not what `bytes` would make of a number or of a list."""
    if type(value) is bytes:
        return value
    try:
        return memoryview(value).tobytes()
    except TypeError:
        raise TypeError(f"{name} is {what}, not {_kind(value)}{_make(value, what)}") from None


def whole(value, name, least=0, most=None):
    """A whole number. Without a `most` what is too much is for the host to say."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name} is a whole number (int), not {_kind(value)}{_make(value, 'int')}")
    number = int.__int__(value)
    if number < least or most is not None and number > most:
        raise ValueError(f"{name} is {f'{least} or more' if most is None else f'from {least} to {most}'}, not {_short(number)}")
    return number if most is not None else min(number, _HUGE)


def seconds(value, name):
    """A time in seconds, as whole milliseconds: at least one, at most those of 10,000 years."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"{name} is a number of seconds, not {_kind(value)}{_make(value, 'float')}")
    if not 0 < value < 3.2e11:
        raise ValueError(f"{name} is a number of seconds above 0 and below 10,000 years, not {_short(value)}")
    return max(1, int(value * 1000))


def json(encode, value, name):
    """JSON text."""
    try:
        return encode(value)
    except RecursionError:
        raise ValueError(f"{name} is nested too deeply for JSON") from None
    except (TypeError, ValueError) as error:
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(f"{name} is not JSON: {error}") from None


def _kind(value):
    return "None" if value is None else type(value).__name__


def _make(value, what):
    """How to make it right, where that can be said."""
    if what == "str":
        return "; decode it" if isinstance(value, (bytes, bytearray)) else "" if value is None else "; make it text with str(…)"
    if what == "bytes" and isinstance(value, str):
        return "; bytes.fromhex(…) or base64.b64decode(…) makes bytes of its text"
    if what == "int" and isinstance(value, (str, float)):
        return "; make it one with int(…)"
    if what == "float" and isinstance(value, str):
        return "; make it one with float(…)"
    if what == "float" and hasattr(value, "total_seconds"):
        return "; call its total_seconds()"
    if what.startswith("bytes") and isinstance(value, (list, tuple)):
        return "; make it bytes with bytes(…)"
    return ""


def _short(number):
    """A number that fits into a sentence."""
    if isinstance(number, int) and number.bit_length() > 128:
        return f"a number of {number.bit_length()} bits"
    return str(number)
