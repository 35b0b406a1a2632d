"""HTTP for scripts, in the shape of the `requests` package, over the host's guarded fetch.

There are no connections here: each call asks the host for one whole response. Options that concern connections (`verify`,
`cert`, `proxies`, `stream`) are accepted and change nothing; the time that a request may take is the policy's.
"""

from . import adapters, auth, exceptions, models, sessions, status_codes, structures
from .exceptions import (
    ConnectionError,
    ConnectTimeout,
    HTTPError,
    JSONDecodeError,
    ReadTimeout,
    RequestException,
    Timeout,
    TooManyRedirects,
    URLRequired,
)
from .models import PreparedRequest, Request, Response
from .sessions import Session, session
from .status_codes import codes

__version__ = "2.32.0"


def request(method, url, **options):
    """Sends one request; see `Session.request` for the options."""
    return Session().request(method, url, **options)


def get(url, params=None, **options):
    """Sends a GET request."""
    return request("GET", url, params=params, **options)


def options(url, **options):
    """Sends an OPTIONS request."""
    return request("OPTIONS", url, **options)


def head(url, **options):
    """Sends a HEAD request, and does not follow redirects unless told to."""
    options.setdefault("allow_redirects", False)
    return request("HEAD", url, **options)


def post(url, data=None, json=None, **options):
    """Sends a POST request."""
    return request("POST", url, data=data, json=json, **options)


def put(url, data=None, **options):
    """Sends a PUT request."""
    return request("PUT", url, data=data, **options)


def patch(url, data=None, **options):
    """Sends a PATCH request."""
    return request("PATCH", url, data=data, **options)


def delete(url, **options):
    """Sends a DELETE request."""
    return request("DELETE", url, **options)
