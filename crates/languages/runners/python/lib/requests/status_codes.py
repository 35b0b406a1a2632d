"""Status codes by name, as in `codes.ok` and `codes.not_found`."""

from http import HTTPStatus


class _Codes(dict):
    def __getattr__(self, name):
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None


codes = _Codes({status.name.lower(): status.value for status in HTTPStatus})
codes.update({status.name: status.value for status in HTTPStatus})
codes.update(ok=200, okay=200, OK=200, teapot=418, too_many=429, server_error=500, unavailable=503)
