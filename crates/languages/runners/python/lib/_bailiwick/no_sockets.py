"""Stands in for `socket`, which libraries import for its names. Whatever would open one raises `OSError`."""

import enum
import errno

error = OSError
timeout = TimeoutError


class herror(OSError):
    pass


class gaierror(OSError):
    pass


class AddressFamily(enum.IntEnum):
    AF_UNSPEC = 0
    AF_INET = 1
    AF_INET6 = 2
    AF_UNIX = 3


class SocketKind(enum.IntEnum):
    SOCK_STREAM = 6
    SOCK_DGRAM = 5
    SOCK_RAW = 3


AF_UNSPEC, AF_INET, AF_INET6, AF_UNIX = AddressFamily
SOCK_STREAM, SOCK_DGRAM, SOCK_RAW = SocketKind
IPPROTO_IP, IPPROTO_TCP, IPPROTO_UDP, IPPROTO_IPV6 = 0, 6, 17, 41
SOL_SOCKET, SO_REUSEADDR, SO_KEEPALIVE, SO_TYPE, SO_ERROR, SO_BROADCAST, SO_RCVBUF, SO_SNDBUF = 0x7FFFFFFF, 2, 9, 3, 4, 6, 8, 7
TCP_NODELAY, IPV6_V6ONLY, SOMAXCONN = 1, 26, 128
AI_PASSIVE, AI_CANONNAME, AI_NUMERICHOST, AI_NUMERICSERV, AI_ADDRCONFIG = 1, 2, 4, 8, 32
NI_NUMERICHOST, NI_NUMERICSERV = 1, 2
EAI_NONAME, EAI_FAMILY, EAI_AGAIN = -2, -6, -3
SHUT_RD, SHUT_WR, SHUT_RDWR = 1, 2, 3
MSG_PEEK, MSG_WAITALL = 1, 2
has_ipv6 = False
_GLOBAL_DEFAULT_TIMEOUT = object()

_REASON = "there are no sockets; `urllib.request` and `requests` fetch what the policy allows"


def _refuse(*arguments, **options):
    raise OSError(errno.ENOTSUP, _REASON)


class socket:
    """Cannot be made."""

    def __init__(self, *arguments, **options):
        _refuse()


SocketType = socket
create_connection = create_server = socketpair = fromfd = _refuse
getaddrinfo = getnameinfo = gethostbyname = gethostbyname_ex = gethostbyaddr = getservbyname = if_nameindex = _refuse


def gethostname():
    """There is one name for every run."""
    return "localhost"


def getfqdn(name=""):
    return name or "localhost"


def getdefaulttimeout():
    return None


def setdefaulttimeout(timeout):
    """Each request has its own; the host bounds it."""


def has_dualstack_ipv6():
    return False


def _packed(parse):
    def convert(text):
        import ipaddress

        try:
            return parse(ipaddress)(text).packed
        except ValueError:
            raise OSError("illegal IP address string") from None

    return convert


inet_aton = _packed(lambda module: module.IPv4Address)


def inet_ntoa(packed):
    import ipaddress

    return str(ipaddress.IPv4Address(packed))


def inet_pton(family, text):
    return _packed(lambda module: module.IPv4Address if family == AF_INET else module.IPv6Address)(text)


def inet_ntop(family, packed):
    import ipaddress

    return str((ipaddress.IPv4Address if family == AF_INET else ipaddress.IPv6Address)(bytes(packed)))


def htons(number):
    return (number & 0xFF) << 8 | number >> 8


def htonl(number):
    return int.from_bytes(number.to_bytes(4, "little"), "big")


ntohs, ntohl = htons, htonl
