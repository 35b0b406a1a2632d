"""Credentials in headers. A policy must allow the header; better, it holds the secret itself, and the script has none."""

from base64 import b64encode


class AuthBase:
    """Changes a request before it is sent."""

    def __call__(self, request):
        raise NotImplementedError


class HTTPBasicAuth(AuthBase):
    """Basic authentication."""

    def __init__(self, username, password):
        self.username, self.password = username, password

    def __call__(self, request):
        text = f"{self.username}:{self.password}".encode()
        request.headers["Authorization"] = "Basic " + b64encode(text).decode()
        return request


class HTTPDigestAuth(AuthBase):
    """Not supported."""

    def __init__(self, username, password):
        raise NotImplementedError("digest authentication is not supported")
