import asyncio
import importlib


def attempt(name, act):
    try:
        print(f"{name}: {act()!r}")
    except BaseException as error:
        print(f"{name}: {type(error).__name__} {getattr(error, 'code', '') or ''}".rstrip())


def module(name):
    return importlib.import_module(name)


attempt("_socket", lambda: module("_socket").socket().connect(("127.0.0.1", 80)))
attempt("socket", lambda: module("socket").create_connection(("127.0.0.1", 22), timeout=1))
attempt("listen", lambda: module("socket").create_server(("", 0)))
attempt("unix", lambda: module("socket").socket(module("socket").AF_UNIX).connect("/var/run/docker.sock"))
attempt("raw", lambda: module("socket").socket(module("socket").AF_INET, module("socket").SOCK_RAW))
attempt("resolve", lambda: module("socket").gethostbyname("localhost"))
attempt("getaddrinfo", lambda: module("socket").getaddrinfo("example.org", 80))
attempt("hostname", lambda: module("socket").gethostname() in ("", "localhost", "bailiwick"))
attempt("fromfd", lambda: module("socket").socket(fileno=3))
attempt("ssl", lambda: module("ssl").create_default_context().wrap_socket(None))
attempt("_ssl", lambda: module("_ssl").__name__)
attempt("ftplib", lambda: module("ftplib").FTP("127.0.0.1"))
attempt("smtplib", lambda: module("smtplib").SMTP("127.0.0.1"))
attempt("imaplib", lambda: module("imaplib").IMAP4("127.0.0.1"))
attempt("socketserver", lambda: module("socketserver").TCPServer(("127.0.0.1", 0), None))
attempt("http.server", lambda: module("http.server").HTTPServer(("127.0.0.1", 0), None))
attempt("select", lambda: module("select").select([0], [], [], 0)[1:])
attempt("syslog", lambda: module("logging.handlers").SysLogHandler().emit(None))


async def connect():
    return await asyncio.open_connection("127.0.0.1", 80)


attempt("asyncio", lambda: asyncio.run(connect()))
