"""URLs, in the one spelling that the host takes. What has two readings, the host refuses; nothing here decides."""

from _bailiwick.own import BUILTINS as __builtins__

from urllib.parse import quote, urljoin, urlsplit

_PATH = "!$&'()*+,;=:@/~-._%"
_QUERY = "!$&()*+,;=:@/?~-._%"
_HEX = frozenset("0123456789abcdefABCDEF")
_PORTS = {"http": 80, "https": 443}


def canonical(url):
    """An absolute http or https URL, percent-encoded, without fragment, default port and dot segments."""
    parts = urlsplit(url)
    scheme = parts.scheme
    if scheme not in _PORTS:
        raise ValueError(f"not an http or https URL: {url!r}")
    host = parts.hostname
    if not host:
        raise ValueError(f"no host in the URL {url!r}")
    if not host.isascii():
        host = host.encode("idna").decode("ascii")
    elif ":" in host:
        host = f"[{host}]"
    if parts.port is not None and parts.port != _PORTS[scheme]:
        host = f"{host}:{parts.port}"
    if "@" in parts.netloc:
        host = f"{parts.netloc.rpartition('@')[0]}@{host}"
    path = _encoded(parts.path, _PATH) or "/"
    if "/." in path:
        path = urlsplit(urljoin("http://x/", path)).path
    text = f"{scheme}://{host}{path}"
    return f"{text}?{_encoded(parts.query, _QUERY)}" if parts.query else text


def _encoded(text, safe):
    if "%" in text:
        pieces = text.split("%")
        text = pieces[0] + "".join(
            ("%" if len(piece) > 1 and piece[0] in _HEX and piece[1] in _HEX else "%25") + piece for piece in pieces[1:]
        )
    return quote(text, safe=safe)
