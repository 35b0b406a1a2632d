from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit
from urllib.request import urlopen


class TableParser(HTMLParser):
    """Collects the rows of the table with a given id, and the links on the page."""

    def __init__(self, table_id):
        super().__init__(convert_charrefs=True)
        self.table_id, self.rows, self.links = table_id, [], []
        self.title, self.inside, self.cell, self.tag = "", False, None, None

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        self.tag = tag
        if tag == "a" and "href" in attributes:
            self.links.append(attributes["href"])
        if tag == "table":
            self.inside = attributes.get("id") == self.table_id
        if not self.inside:
            return
        if tag == "tr":
            self.rows.append({"classes": (attributes.get("class") or "").split(), "cells": []})
        elif tag in ("td", "th"):
            self.cell = []

    def handle_endtag(self, tag):
        if tag == "table":
            self.inside = False
        elif tag in ("td", "th") and self.cell is not None:
            self.rows[-1]["cells"].append(" ".join("".join(self.cell).split()))
            self.cell = None
        self.tag = None

    def handle_data(self, data):
        if self.tag == "title":
            self.title += data
        if self.cell is not None:
            self.cell.append(data)


with urlopen(input["url"]) as response:
    charset = response.headers.get_content_charset()
    page = response.read().decode(charset)

parser = TableParser("goods")
parser.feed(page)
parser.close()
head, *rows = parser.rows
columns = [name.lower() for name in head["cells"]]
goods = [dict(zip(columns, row["cells"]), sale="sale" in row["classes"]) for row in rows]
for article in goods:
    article["price"] = float(article["price"].removeprefix("€").strip())
    article["stock"] = int(article["stock"])

print(parser.title)
print([urlsplit(urljoin(input["url"], link)).path for link in parser.links])
result = goods
