"""Evaluates each expression of the table; the second member is the exception that it must raise, or `None` for none."""

import array
import datetime
import decimal
import io
import os
import pathlib
import sys
import urllib.request
import uuid

import bailiwick
import requests
from bailiwick import crypto, kv, secret, sql, tools


class Text(str):
    pass


class Hostile:
    def __str__(self):
        raise ZeroDivisionError

    __repr__ = __len__ = __iter__ = __str__


def body(data):
    return urllib.request.urlopen(urllib.request.Request("https://a.example/", data=data))


def header(name, value):
    request = urllib.request.Request("https://a.example/")
    request.headers[name] = value
    return urllib.request.urlopen(request)


large = b"x" * (9 << 20)
wrong = 0
for expression, expected in input:
    try:
        eval(expression)
        raised, said = None, ""
    except Exception as error:
        raised, said = type(error).__name__, f": {error}".replace("\n", " ")[:240]
    mark = "" if raised == expected else f"WRONG, not {expected}: "
    wrong += bool(mark)
    print(f"{mark}{expression} -> {raised}{said}")
result = {"rows": len(input), "wrong": wrong}
