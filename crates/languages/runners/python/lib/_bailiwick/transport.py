"""`urllib.request` over guarded fetch: its openers, redirects and errors are Python's own, the transport is the host's."""

from _bailiwick.own import BUILTINS as __builtins__

import http
import io
import urllib.request
import urllib.response
from http.client import HTTPMessage

from _bailiwick import host
from _bailiwick.address import canonical
from _bailiwick.arguments import data, octets, text

_METHODS = {method.name: method for method in host.fetch.Method}
_UNASKED = frozenset(("host", "content-length", "connection", "transfer-encoding"))
_PHRASES = {status.value: status.phrase for status in http.HTTPStatus}
_REQUEST = host.fetch.Request
_SEND = host.fetch.send
_OPEN = host.fetch.open
_FIELD = 64
"""Bytes that the host takes for a header beside its text."""
_PIECE = 1 << 20
"""Bytes that are asked for at a time when the whole is wanted."""


def send(method, url, headers, body):
    """Sends one request. `headers` are pairs of text; what only a connection needs is left out.

    Returns the status, the headers as pairs of text, the body, and the URL that was asked for.
    """
    what, request, url = _request(method, url, headers, body)
    reply = host.call(what, _SEND, request)
    return reply.status, _text(reply.headers), reply.body, url


def open(method, url, headers, body):
    """As `send`, with the body as a file that reads from the host."""
    what, request, url = _request(method, url, headers, body)
    reply = host.call(what, _OPEN, request)
    return reply.status, _text(reply.headers), io.BufferedReader(_Body(what, reply.body), 1 << 16), url


def _request(method, url, headers, body):
    verb = _METHODS.get(text(method, "fetch: the method").upper())
    if verb is None:
        raise ValueError(f"the method {method!r} is not one of {', '.join(_METHODS)}")
    url = canonical(text(url, "fetch: the URL"))
    fields = [field for field in map(_field, headers) if field[0].lower() not in _UNASKED]
    what, content = f"fetch {verb.name} {url}", data(body, "fetch: the body")
    host.fitting(len(url) + len(content) + sum(_FIELD + len(name) + len(value) for name, value in fields), what)
    return what, _REQUEST(verb, url, fields, content), url


def _field(pair):
    """A header field. A number stands for its text, as in `http.client`."""
    name, value = pair
    if isinstance(name, bytes):
        name = name.decode("latin-1")
    name = text(name, "fetch: the name of a header")
    if not name.isascii():
        raise ValueError(f"fetch: the name of a header is ASCII, not {name!r}")
    if isinstance(value, int):
        value = str(value)
    if isinstance(value, (bytes, bytearray)):
        return name, bytes(value)
    try:
        return name, text(value, f"fetch: the value of the header {name!r}").encode("latin-1")
    except UnicodeEncodeError:
        raise ValueError(f"fetch: the value of the header {name!r} is Latin-1; encode it") from None


def _text(fields):
    return [(name, value.decode("latin-1")) for name, value in fields]


class _Body(io.RawIOBase):
    """The body of a response that the host has. Closing it closes a connection on which more would come."""

    def __init__(self, what, body):
        self._what = what
        self._body = body

    def readable(self):
        return True

    def readinto(self, buffer):
        piece = self._next(len(buffer))
        buffer[: len(piece)] = piece
        return len(piece)

    def readall(self):
        pieces = []
        while piece := self._next(_PIECE):
            pieces.append(piece)
        return b"".join(pieces)

    def _next(self, most):
        if self._body is None:
            return b""
        piece = host.call(self._what, self._body.read, most) if most else b""
        if most and not piece:
            self._drop()
        return piece

    def close(self):
        self._drop()
        super().close()

    def _drop(self):
        body, self._body = self._body, None
        if body is not None:
            body.__exit__(None, None, None)


def phrase(status):
    """The reason phrase of a status."""
    return _PHRASES.get(status, "")


class Response(urllib.response.addinfourl):
    """What `urlopen` returns: a file of the body that also has what `http.client.HTTPResponse` has."""

    version = 11

    def __init__(self, body, headers, url, status):
        super().__init__(body, headers, url, status)
        self.reason = self.msg = phrase(status)
        length = headers.get("content-length", "")
        self.length = int(length) if length.isdecimal() else None

    def getheader(self, name, default=None):
        values = self.headers.get_all(name)
        return ", ".join(values) if values else default

    def getheaders(self):
        return list(self.headers.items())

    def isclosed(self):
        return self.closed


def _joined(body):
    """The body that a file or an iterable has. Text is refused, as Python's own handler does."""
    if hasattr(body, "read"):
        body = body.read()
    elif not isinstance(body, str) and hasattr(body, "__iter__"):
        body = b"".join(body)
    return octets(body, "fetch: the body", "bytes, an iterable of bytes, or a file opened for reading bytes")


class _Handler(urllib.request.AbstractHTTPHandler):
    """Opens http and https URLs. It takes the place of both of Python's handlers."""

    def __init__(self, debuglevel=None, context=None, check_hostname=None):
        super().__init__(0)

    def http_open(self, request):
        headers = [*request.headers.items(), *request.unredirected_hdrs.items()]
        body = request.data
        if body is None:
            body = b""
        elif not isinstance(body, (bytes, bytearray, memoryview)):
            body = _joined(body)
        status, fields, content, url = open(request.get_method(), request.full_url, headers, body)
        message = HTTPMessage()
        for name, value in fields:
            message[name] = value
        return Response(content, message, url, status)

    https_open = http_open

    def http_request(self, request):
        """Adds the type of a form, as Python does; the other headers are the host's."""
        if request.data is not None and not request.has_header("Content-type"):
            request.add_unredirected_header("Content-type", "application/x-www-form-urlencoded")
        return request

    https_request = http_request


def _opener(self):
    """An opener that adds no headers of its own: a rule may not let the guest set them."""
    self.addheaders = []
    self.handlers = []
    self.handle_open = {}
    self.handle_error = {}
    self.process_response = {}
    self.process_request = {}


def build_opener(*handlers):
    """Create an opener object from a list of handlers, and the default ones that they do not replace."""
    opener = urllib.request.OpenerDirector()
    given = [handler() if isinstance(handler, type) else handler for handler in handlers]
    for kind in _DEFAULT:
        if not any(isinstance(handler, kind) for handler in given):
            opener.add_handler(kind())
    for handler in given:
        opener.add_handler(handler)
    return opener


_DEFAULT = (
    _Handler,
    urllib.request.UnknownHandler,
    urllib.request.HTTPDefaultErrorHandler,
    urllib.request.HTTPRedirectHandler,
    urllib.request.DataHandler,
    urllib.request.HTTPErrorProcessor,
)


def urlopen(url, data=None, timeout=None, *, context=None, cafile=None, capath=None, cadefault=False):
    """Open the URL, which can be a string or a Request. The time that it may take is the host's."""
    opener = urllib.request._opener
    if opener is None:
        opener = urllib.request._opener = build_opener()
    return opener.open(url, data)


def install():
    """Makes it the transport of `urllib.request`."""
    for function in (build_opener, urlopen):
        function.__module__ = "urllib.request"
        setattr(urllib.request, function.__name__, function)
    urllib.request.HTTPHandler = urllib.request.HTTPSHandler = _Handler
    urllib.request.OpenerDirector.__init__ = _opener
    urllib.request.getproxies = dict
    urllib.request.install_opener(build_opener())
