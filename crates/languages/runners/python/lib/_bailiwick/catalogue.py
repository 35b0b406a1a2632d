"""Which modules are there: imported in the snapshot, loadable, or absent with a reason."""

IMPORTED = """
__future__ _collections_abc _compat_pickle _pydatetime _strptime abc argparse array ast asyncio asyncio.base_events
asyncio.events asyncio.futures asyncio.locks asyncio.queues asyncio.runners asyncio.streams asyncio.subprocess
asyncio.taskgroups asyncio.tasks asyncio.threads asyncio.timeouts atexit base64 binascii bisect calendar cmath cmd code
codecs collections collections.abc colorsys concurrent.futures concurrent.futures.thread configparser contextlib
contextvars copy copyreg csv dataclasses datetime decimal difflib dis email email.encoders email.header email.message
email.mime.application email.mime.base email.mime.multipart email.mime.text email.parser email.policy email.utils
encodings encodings.ascii encodings.base64_codec encodings.cp1252 encodings.hex_codec encodings.idna encodings.latin_1
encodings.punycode encodings.unicode_escape encodings.utf_16 encodings.utf_16_be encodings.utf_16_le encodings.utf_32
encodings.utf_8 encodings.utf_8_sig enum errno fileinput fnmatch fractions functools gc getopt getpass gettext glob
graphlib gzip hashlib heapq hmac html html.entities html.parser http http.client http.cookiejar http.cookies importlib
importlib.abc importlib.machinery importlib.metadata importlib.resources importlib.util inspect io ipaddress itertools
json json.decoder json.encoder json.scanner keyword linecache locale logging logging.handlers marshal math mimetypes
numbers operator optparse os os.path pathlib pickle pickletools pkgutil platform plistlib pprint queue quopri random re
reprlib sched secrets select selectors shelve shlex shutil signal sqlite3 stat statistics string string.templatelib
stringprep struct symtable sys sysconfig tarfile tempfile textwrap threading time timeit token tokenize tomllib
traceback tracemalloc types typing unicodedata unittest unittest.async_case unittest.case unittest.loader
unittest.main unittest.mock unittest.result unittest.runner unittest.suite unittest.util urllib urllib.error
urllib.parse urllib.request urllib.response urllib.robotparser uuid warnings weakref xml xml.dom xml.dom.minidom
xml.etree xml.etree.ElementTree xml.parsers.expat xml.sax xml.sax.saxutils zipfile zlib zoneinfo
""".split()
"""Imported when the snapshot is taken: a script's `import` finds them in memory."""

OWN = """
bailiwick requests requests.adapters requests.auth requests.exceptions requests.models requests.sessions
requests.status_codes requests.structures
""".split()
"""What the runner adds to them."""

LEFT_OUT = frozenset(
    """
    __hello__ __phello__ _aix_support _android_support _apple_support _ios_support _osx_support antigravity
    config-3.14-wasm32-wasi ctypes curses ensurepip idlelib lib-dynload multiprocessing pydoc_data pty site-packages
    test this tkinter tty turtle turtledemo venv zipapp ssl socket subprocess bz2 lzma __pycache__
    """.split()
)
"""Of the standard library, what is not even packed: it cannot work here, or is no use to a script."""

PACKAGES = "packages come with `run --with PACKAGE`, which the operator decides"
"""How a script gets at a package. It names none: a name that a script made up is no advice to install it."""

_NETWORK = "there are no sockets; `urllib.request` and `requests` fetch what the policy allows"
_PROCESSES = "there are no processes; call a function, or a tool that the policy allows"
_NATIVE = "there is no native code to call"
_SCREEN = "there is no terminal and no screen; print, or return a result"

ABSENT = {
    "ctypes": _NATIVE,
    "_ctypes": _NATIVE,
    "cffi": _NATIVE,
    "mmap": "files cannot be mapped; read them",
    "fcntl": "files cannot be locked; each run has them for itself",
    "resource": "the limits of a run are the host's",
    "ssl": "TLS is the host's: https URLs work in `urllib.request` and `requests` without it",
    "_ssl": "TLS is the host's: https URLs work in `urllib.request` and `requests` without it",
    "_socket": _NETWORK,
    "multiprocessing": _PROCESSES,
    "_posixsubprocess": _PROCESSES,
    "pty": _PROCESSES,
    "tty": _SCREEN,
    "termios": _SCREEN,
    "curses": _SCREEN,
    "readline": _SCREEN,
    "tkinter": _SCREEN,
    "turtle": _SCREEN,
    "idlelib": _SCREEN,
    "bz2": "only zlib and gzip are built in",
    "_bz2": "only zlib and gzip are built in",
    "lzma": "only zlib and gzip are built in",
    "_lzma": "only zlib and gzip are built in",
    "pip": PACKAGES,
    "ensurepip": PACKAGES,
    "venv": PACKAGES,
    "pwd": "there are no users",
    "grp": "there are no users",
}
"""Modules of Python that do not exist here, and what to do instead."""

NATIVE = {
    "numpy": "lists, `statistics`, `array` and `math`",
    "pandas": "`csv`, `json`, `statistics` and `sqlite3`",
    "scipy": "`statistics` and `math`",
    "matplotlib": "text, or a result for others to draw",
    "lxml": "`xml.etree.ElementTree` and `html.parser`",
    "PIL": "nothing: images cannot be decoded",
    "cryptography": "`hashlib`, `hmac` and `bailiwick.crypto`",
    "psycopg2": "`bailiwick.sql`",
    "torch": "nothing of its kind",
    "sklearn": "`statistics`",
    "polars": "`csv`, `json`, `statistics` and `sqlite3`",
    "pyarrow": "`csv`, `json` and `sqlite3`",
    "yaml": "`json`, or `tomllib` for TOML",
}
"""Popular packages with native code, which cannot be installed either, and what to use."""
