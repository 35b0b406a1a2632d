import html
import re
import xml.etree.ElementTree as ET
from datetime import timezone
from email.utils import parsedate_to_datetime

NAMES = {"dc": "http://purl.org/dc/elements/1.1/"}


def plain(markup):
    markup = re.sub(r"<(script|style)\b.*?</\1>", "", markup or "", flags=re.S | re.I)
    text = html.unescape(re.sub(r"<[^>]+>", "", markup))
    return " ".join(text.split())


def published(item):
    try:
        return parsedate_to_datetime(item.findtext("pubDate")).astimezone(timezone.utc)
    except (TypeError, ValueError):
        return None


root = ET.parse("/data/feed.xml").getroot()
channel = root.find("channel")
items = []
for item in channel.iterfind("item"):
    when = published(item)
    items.append({
        "title": html.unescape(item.findtext("title")),
        "by": item.findtext("dc:creator", default="anonymous", namespaces=NAMES),
        "utc": when and when.isoformat(),
        "summary": plain(item.findtext("description")),
    })
items.sort(key=lambda item: (item["utc"] is None, item["utc"] or ""))

feed = ET.Element("digest", title=channel.findtext("title"))
for item in items:
    entry = ET.SubElement(feed, "entry", by=item["by"])
    entry.text = f"{item['title']}: {item['summary']}" if item["summary"] else item["title"]
ET.indent(feed)
ET.ElementTree(feed).write("/out/digest.xml", encoding="unicode")
print(ET.tostring(feed, encoding="unicode"))

try:
    ET.fromstring("<a><b></a>")
except ET.ParseError as error:
    print(error)

items
