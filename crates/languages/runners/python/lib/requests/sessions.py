"""Sessions: headers, parameters and cookies that several requests share."""

import datetime
import time

from _bailiwick import transport

from . import exceptions
from .adapters import HTTPAdapter
from .models import PreparedRequest, Request, answer, next_request, pairs
from .structures import CaseInsensitiveDict

_MAX_REDIRECTS = 30
_OF_A_HEADER = ("fetch: the name of a header", "fetch: the value of the header")
"""How the transport begins to say that a header cannot be sent."""


class Session:
    """Sends requests. It keeps cookies for their host, and what is set on it."""

    def __init__(self):
        self.headers = CaseInsensitiveDict()
        self.params = {}
        self.cookies = {}
        self.auth = None
        self.verify = True
        self.cert = None
        self.proxies = {}
        self.hooks = {"response": []}
        self.stream = False
        self.trust_env = False
        self.max_redirects = _MAX_REDIRECTS
        self.adapters = {"https://": HTTPAdapter(), "http://": HTTPAdapter()}

    def request(self, method, url, params=None, data=None, headers=None, cookies=None, files=None, auth=None, timeout=None,
                allow_redirects=True, proxies=None, hooks=None, stream=None, verify=None, cert=None, json=None):
        """Sends a request and returns the response, whatever its status.

        Redirects that the host does not follow itself are followed here, each as a request of its own that the policy
        must allow.
        """
        shown = CaseInsensitiveDict(self.headers)
        shown.update(pairs(headers, "headers"))
        asked = Request(method, url, shown, files, data, _merged(self.params, params), self.auth if auth is None else auth,
                        {**self.cookies, **dict(cookies or {})}, json=json)
        return self.send(asked.prepare(), allow_redirects=allow_redirects, stream=stream)

    def prepare_request(self, request):
        """The request with what the session adds, as it is sent."""
        shown = CaseInsensitiveDict(self.headers)
        shown.update(pairs(request.headers, "headers"))
        prepared = PreparedRequest()
        prepared.prepare(request.method, request.url, shown, request.files, request.data, _merged(self.params, request.params),
                         self.auth if request.auth is None else request.auth,
                         {**self.cookies, **dict(request.cookies or {})}, json=request.json)
        return prepared

    def send(self, request, allow_redirects=True, stream=None, **options):
        """Sends a prepared request. With `stream` the body is read when it is asked for."""
        history = []
        while True:
            response = self._once(request, self.stream if stream is None else stream)
            self.cookies.update(response.cookies)
            request = next_request(response) if allow_redirects else None
            if request is None:
                response.history = history
                for hook in self.hooks.get("response") or ():
                    response = hook(response) or response
                return response
            response.close()
            history.append(response)
            if len(history) > self.max_redirects:
                raise exceptions.TooManyRedirects(f"Exceeded {self.max_redirects} redirects.", response=response)

    def _once(self, request, stream):
        ask = transport.open if stream else transport.send
        start = time.monotonic()
        retries = self.get_adapter(request.url).max_retries
        while True:
            try:
                reply = ask(request.method, request.url, request.headers.items(), b"" if request.body is None else request.body)
                break
            except PermissionError:
                raise
            except TimeoutError as error:
                raise _as(exceptions.ReadTimeout, error, request) from error
            except OSError as error:
                if retries <= 0:
                    raise _as(exceptions.ConnectionError, error, request) from error
                retries -= 1
            except ValueError as error:
                about = str(error)
                # By how it begins: further on it quotes the URL.
                kind = exceptions.InvalidHeader if about.startswith(_OF_A_HEADER) else exceptions.InvalidURL
                kind = exceptions.InvalidSchema if about.startswith("not an http") else kind
                raise _as(kind, error, request) from None
        response = answer(request, *reply)
        response.elapsed = datetime.timedelta(seconds=time.monotonic() - start)
        return response

    def get(self, url, **options):
        return self.request("GET", url, **options)

    def options(self, url, **options):
        return self.request("OPTIONS", url, **options)

    def head(self, url, **options):
        options.setdefault("allow_redirects", False)
        return self.request("HEAD", url, **options)

    def post(self, url, data=None, json=None, **options):
        return self.request("POST", url, data=data, json=json, **options)

    def put(self, url, data=None, **options):
        return self.request("PUT", url, data=data, **options)

    def patch(self, url, data=None, **options):
        return self.request("PATCH", url, data=data, **options)

    def delete(self, url, **options):
        return self.request("DELETE", url, **options)

    def mount(self, prefix, adapter):
        """Uses an adapter's settings for URLs that begin with `prefix`."""
        self.adapters[prefix] = adapter

    def get_adapter(self, url):
        best = max((prefix for prefix in self.adapters if url.lower().startswith(prefix.lower())), key=len, default=None)
        return HTTPAdapter() if best is None else self.adapters[best]

    def close(self):
        """There is nothing to close."""

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()


def session():
    """A session."""
    return Session()


def _merged(one, other):
    if not one:
        return other
    if not other:
        return one
    return {**dict(one), **dict(other)} if not isinstance(other, (str, bytes)) else other


def _as(kind, error, request):
    failure = kind(str(error), request=request)
    failure.code = getattr(error, "code", None)
    return failure
