"""Requests and responses."""

import datetime
import json as _json
from codecs import getincrementaldecoder
from http import HTTPStatus
from http.cookies import SimpleCookie
from urllib.parse import urlencode, urljoin, urlsplit, urlunsplit

from _bailiwick.arguments import data as octets_of, text

from . import exceptions
from .structures import CaseInsensitiveDict


class Request:
    """A request as a program writes it."""

    def __init__(self, method=None, url=None, headers=None, files=None, data=None, params=None, auth=None, cookies=None,
                 hooks=None, json=None):
        self.method, self.url, self.headers, self.files, self.data = method, url, headers, files, data
        self.params, self.auth, self.cookies, self.json = params, auth, cookies, json

    def prepare(self):
        """The request as it is sent."""
        prepared = PreparedRequest()
        prepared.prepare(self.method, self.url, self.headers, self.files, self.data, self.params, self.auth, self.cookies,
                         json=self.json)
        return prepared


class PreparedRequest:
    """A request as it is sent."""

    def __init__(self):
        self.method = self.url = self.body = None
        self.headers = CaseInsensitiveDict()

    def prepare(self, method=None, url=None, headers=None, files=None, data=None, params=None, auth=None, cookies=None,
                hooks=None, json=None):
        self.method = text(method or "GET", "requests: `method`").upper()
        self.url = _with_params(url, params)
        self.headers = CaseInsensitiveDict({k: v for k, v in pairs(headers, "headers") if v is not None})
        self.body, kind = _body(data, json, files)
        if kind is not None:
            self.headers.setdefault("Content-Type", kind)
        if cookies:
            self.headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in dict(cookies).items())
        if auth is not None:
            if isinstance(auth, tuple):
                from .auth import HTTPBasicAuth

                auth = HTTPBasicAuth(*auth)
            auth(self)

    @property
    def path_url(self):
        parts = urlsplit(self.url)
        return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")

    def copy(self):
        twin = PreparedRequest()
        twin.method, twin.url, twin.headers, twin.body = self.method, self.url, self.headers.copy(), self.body
        return twin

    def __repr__(self):
        return f"<PreparedRequest [{self.method}]>"


class Response:
    """A response, whole, or, when it was asked for with `stream=True`, still to be read."""

    def __init__(self):
        self.status_code = None
        self.headers = CaseInsensitiveDict()
        self.url = ""
        self.history = []
        self.encoding = None
        self.reason = ""
        self.request = None
        self.cookies = {}
        self.elapsed = datetime.timedelta(0)
        self._content = b""
        self._file = None

    @property
    def content(self):
        """The body."""
        if self._content is None:
            self._content = b"".join(self._pieces(1 << 20))
        return self._content

    def _pieces(self, size):
        """What is still to be read, which can be read once."""
        file, self._file = self._file, None
        if file is None:
            raise RuntimeError("The content for this response was already consumed")
        try:
            while piece := file.read(size) if size else file.read1():
                yield piece
        except PermissionError:
            raise
        except OSError as error:
            failure = exceptions.ConnectionError(str(error), request=self.request)
            failure.code = getattr(error, "code", None)
            raise failure from error
        finally:
            file.close()

    @property
    def text(self):
        """The body as text."""
        return self.content.decode(self.encoding or self.apparent_encoding, "replace")

    @property
    def apparent_encoding(self):
        """UTF-8 when the body is that, else Latin-1."""
        try:
            self.content.decode("utf-8")
        except UnicodeDecodeError:
            return "latin-1"
        return "utf-8"

    @property
    def ok(self):
        """Whether the status is below 400."""
        return self.status_code < 400

    @property
    def is_redirect(self):
        return "location" in self.headers and self.status_code in (301, 302, 303, 307, 308)

    @property
    def is_permanent_redirect(self):
        return "location" in self.headers and self.status_code in (301, 308)

    @property
    def links(self):
        """The `Link` header, by relation."""
        found = {}
        for part in self.headers.get("link", "").split(","):
            address, _, rest = part.strip().partition(">")
            if not address.startswith("<"):
                continue
            link = {"url": address[1:]}
            for piece in rest.split(";"):
                name, _, value = piece.strip().partition("=")
                if name:
                    link[name] = value.strip("\"' ")
            found[link.get("rel") or link["url"]] = link
        return found

    def json(self, **options):
        """The body as JSON."""
        try:
            return _json.loads(self.content.decode("utf-8-sig") if not self.encoding else self.text, **options)
        except UnicodeDecodeError as error:
            raise exceptions.InvalidJSONError(str(error), response=self) from None
        except _json.JSONDecodeError as error:
            raise exceptions.JSONDecodeError(error.msg, error.doc, error.pos) from None

    def raise_for_status(self):
        """Raises `HTTPError` when the status is 400 or more."""
        if self.status_code >= 400:
            side = "Client" if self.status_code < 500 else "Server"
            raise exceptions.HTTPError(f"{self.status_code} {side} Error: {self.reason} for url: {self.url}", response=self)

    def iter_content(self, chunk_size=1, decode_unicode=False):
        """The body, in pieces."""
        if self._content is None:
            pieces = self._pieces(chunk_size)
        else:
            size = chunk_size or len(self._content) or 1
            pieces = (self._content[start : start + size] for start in range(0, len(self._content), size))
        if not decode_unicode:
            yield from pieces
            return
        decoder = getincrementaldecoder(self.encoding or "utf-8")("replace")
        for piece in pieces:
            if text := decoder.decode(piece):
                yield text
        if text := decoder.decode(b"", True):
            yield text

    def iter_lines(self, chunk_size=512, decode_unicode=False, delimiter=None):
        """The body, line by line."""
        # A line that comes in many pieces is put together once, when its end is there.
        parts, last = [], b""
        kept = len(delimiter) - 1 if delimiter else 1
        for piece in (self._content,) if self._content is not None else self._pieces(None):
            parts.append(piece)
            last += piece
            if delimiter in last if delimiter else b"\n" in last or b"\r" in last:
                *lines, last = b"".join(parts).split(delimiter) if delimiter else _lines(b"".join(parts))
                parts = [last]
                for line in lines:
                    yield line.decode(self.encoding or "utf-8", "replace") if decode_unicode else line
            # What may be the beginning of an end.
            last = last[max(0, len(last) - kept):]
        rest = b"".join(parts)
        for line in rest.split(delimiter) if delimiter and rest else rest.splitlines():
            yield line.decode(self.encoding or "utf-8", "replace") if decode_unicode else line

    @property
    def raw(self):
        import io

        return io.BytesIO(self._content) if self._file is None else self._file

    def close(self):
        """Gives up what was not read yet."""
        if self._file is not None:
            self._file.close()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()

    def __iter__(self):
        return self.iter_content(128)

    def __bool__(self):
        return self.ok

    def __repr__(self):
        return f"<Response [{self.status_code}]>"


def answer(prepared, status, fields, body, url):
    """The response to a request, from what the host gave."""
    response = Response()
    response.request = prepared
    response.status_code = status
    try:
        response.reason = HTTPStatus(status).phrase
    except ValueError:
        response.reason = ""
    for name, value in fields:
        present = response.headers.get(name)
        response.headers[name] = value if present is None else f"{present}, {value}"
        if name.lower() == "set-cookie":
            response.cookies.update({key: morsel.value for key, morsel in SimpleCookie(value).items()})
    response.url = url
    response.encoding = _charset(response.headers.get("content-type", ""))
    if isinstance(body, bytes):
        response._content = body
    else:
        response._content, response._file = None, body
    return response


def _lines(data):
    """The lines of `data`, and at last what may go on: a line without its end, or one that ends in half of `\\r\\n`."""
    lines = data.splitlines(keepends=True)
    rest = lines.pop() if lines and not lines[-1].endswith(b"\n") else b""
    return [*(line.rstrip(b"\r\n") for line in lines), rest]


def next_request(response):
    """The request to which a redirect leads, or `None`."""
    if not response.is_redirect:
        return None
    old = response.request
    new = old.copy()
    new.url = urljoin(response.url, response.headers["location"])
    if response.status_code == 303 and old.method != "HEAD" or response.status_code in (301, 302) and old.method == "POST":
        new.method, new.body = "GET", None
        new.headers.pop("Content-Type", None)
    if urlsplit(new.url)[:2] != urlsplit(response.url)[:2]:
        new.headers.pop("Authorization", None)
        new.headers.pop("Cookie", None)
    return new


def _charset(kind):
    for part in kind.split(";")[1:]:
        name, _, value = part.strip().partition("=")
        if name.lower() == "charset":
            try:
                "".encode(value.strip("\"' "))
            except LookupError:
                return None
            return value.strip("\"' ")
    return None


def _with_params(url, params):
    if not url:
        raise exceptions.MissingSchema("no URL")
    url = (url.decode() if isinstance(url, bytes) else str(url)).strip()
    if "://" not in url:
        raise exceptions.MissingSchema(f"Invalid URL {url!r}: No scheme supplied. Perhaps you meant https://{url}?")
    if not params:
        return url
    if isinstance(params, (str, bytes)):
        query = params.decode() if isinstance(params, bytes) else params
    else:
        pairs = params.items() if hasattr(params, "items") else params
        flat = []
        for key, value in pairs:
            if value is None:
                continue
            many = value if isinstance(value, (list, tuple, set)) else (value,)
            flat.extend((key, one) for one in many)
        query = urlencode(flat)
    parts = urlsplit(url)
    return urlunsplit(parts._replace(query=f"{parts.query}&{query}" if parts.query else query))


def pairs(values, name):
    """Those of a dict, of what makes one, or of nothing."""
    if values is None:
        return ()
    if hasattr(values, "items"):
        return values.items()
    # Of text `dict` would take the letters, two by two.
    if not isinstance(values, (str, bytes, bytearray)):
        try:
            return dict(values).items()
        except (TypeError, ValueError):
            pass
    raise TypeError(f"requests: `{name}` is a dict or pairs of name and value; this {type(values).__name__} is neither")


def _body(data, json, files):
    if files:
        return _multipart(data, files)
    if data is not None and data != {}:
        if isinstance(data, (bytes, bytearray, memoryview)):
            return bytes(data), None
        if isinstance(data, str):
            return data.encode(), None
        if hasattr(data, "read"):
            return octets_of(data.read(), "requests: what the file of `data` holds"), None
        if hasattr(data, "items") or isinstance(data, (list, tuple)):
            return urlencode(data, doseq=True).encode(), "application/x-www-form-urlencoded"
        if not hasattr(data, "__iter__"):
            raise TypeError(f"requests: `data` is bytes, text, a dict, pairs, a file or an iterable of bytes, not {type(data).__name__}")
        return b"".join(data), None
    if json is not None:
        try:
            return _json.dumps(json, allow_nan=False).encode(), "application/json"
        except ValueError as error:
            raise exceptions.InvalidJSONError(str(error)) from None
    return None, None


def _multipart(data, files):
    import secrets

    boundary = secrets.token_hex(16)
    pieces = []
    for name, value in (data.items() if hasattr(data, "items") else data or ()):
        pieces.append(f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode())
    for name, value in (files.items() if hasattr(files, "items") else files):
        filename, content, *kind = value if isinstance(value, tuple) else (getattr(value, "name", name), value)
        if hasattr(content, "read"):
            content = content.read()
        content = octets_of(content, "requests: what is sent of `files`")
        filename = str(filename).rpartition("/")[2]
        header = f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"; filename="{filename}"\r\n'
        if kind and kind[0]:
            header += f"Content-Type: {kind[0]}\r\n"
        pieces.append(header.encode() + b"\r\n" + content + b"\r\n")
    pieces.append(f"--{boundary}--\r\n".encode())
    return b"".join(pieces), f"multipart/form-data; boundary={boundary}"
