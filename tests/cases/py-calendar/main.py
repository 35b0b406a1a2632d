import re
from datetime import date, datetime, timedelta, timezone
from itertools import combinations
from pathlib import Path
from zoneinfo import ZoneInfo


def unfold(text):
    return re.sub(r"\r?\n[ \t]", "", text).splitlines()


def parse(text):
    events, current = [], None
    for line in unfold(text):
        head, _, value = line.partition(":")
        name, *parameters = head.split(";")
        if line == "BEGIN:VEVENT":
            current = {}
        elif line == "END:VEVENT":
            events.append(current)
        elif current is not None:
            current[name] = (value, dict(parameter.split("=", 1) for parameter in parameters))
    return events


def moment(field):
    value, parameters = field
    if parameters.get("VALUE") == "DATE":
        return datetime.strptime(value, "%Y%m%d").date()
    if value.endswith("Z"):
        return datetime.strptime(value, "%Y%m%dT%H%M%SZ").replace(tzinfo=timezone.utc)
    return datetime.strptime(value, "%Y%m%dT%H%M%S").replace(tzinfo=ZoneInfo(parameters["TZID"]))


def occurrences(event):
    start = moment(event["DTSTART"])
    title = re.sub(r"\\(.)", r"\1", event["SUMMARY"][0])
    if isinstance(start, date) and not isinstance(start, datetime):
        yield title, start, None
        return
    length = moment(event["DTEND"]) - start
    rule = dict(part.split("=") for part in event.get("RRULE", ("", {}))[0].split(";") if part)
    for week in range(int(rule.get("COUNT", 1))):
        begin = start + timedelta(weeks=week)
        yield title, begin, begin.astimezone(timezone.utc) + length


events = parse(Path("/data/team.ics").read_bytes().decode())
everything = [occurrence for event in events for occurrence in occurrences(event)]
timed = [(title, begin, end) for title, begin, end in everything if end]
clashes = [
    (a[0], b[0])
    for a, b in combinations(timed, 2)
    if a[1].astimezone(timezone.utc) < b[2] and b[1].astimezone(timezone.utc) < a[2]
]
for title, begin, end in everything:
    shown = begin.isoformat() if end is None else begin.astimezone(timezone.utc).isoformat(timespec="minutes")
    print(shown, title)

result = {"events": len(events), "occurrences": len(everything), "clashes": clashes}
