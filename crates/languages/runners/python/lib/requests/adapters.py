"""Adapters exist for programs that set them up. Of their settings, the number of retries after a failed connection counts."""

DEFAULT_RETRIES = 0


class BaseAdapter:
    def close(self):
        pass


class HTTPAdapter(BaseAdapter):
    """`max_retries` is a number, or an object with `total`."""

    def __init__(self, pool_connections=10, pool_maxsize=10, max_retries=DEFAULT_RETRIES, pool_block=False):
        total = getattr(max_retries, "total", max_retries)
        self.max_retries = total if isinstance(total, int) else 0
