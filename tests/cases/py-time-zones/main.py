from datetime import date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

home = ZoneInfo(input["home"])
start = datetime.fromisoformat(input["start"]).replace(tzinfo=home)

rows = []
for week in range(input["weeks"]):
    # Wall-clock arithmetic: the call stays at 9:30 at home, whatever the clocks do.
    local = (start.replace(tzinfo=None) + timedelta(weeks=week)).replace(tzinfo=home)
    row = {"utc": local.astimezone(timezone.utc).strftime("%Y-%m-%d %H:%M"), "home": local.tzname()}
    for office in input["offices"]:
        there = local.astimezone(ZoneInfo(office))
        row[office.split("/")[1]] = there.strftime("%a %H:%M %z")
    rows.append(row)
    print(row["utc"], row["home"], *[row[office.split("/")[1]] for office in input["offices"]], sep=" | ")

# The hour that happens twice, and the one that does not exist.
twice = datetime(2026, 10, 25, 3, 30, tzinfo=home)
assert twice.utcoffset() - twice.replace(fold=1).utcoffset() == timedelta(hours=1)
missing = datetime(2026, 3, 29, 3, 30, tzinfo=home)
assert missing.astimezone(timezone.utc).astimezone(home).hour == 4

try:
    ZoneInfo("Europe/Atlantis")
except ZoneInfoNotFoundError:
    print("no zone Europe/Atlantis")


def working_days(first, last, holidays):
    days = (first + timedelta(days=offset) for offset in range((last - first).days + 1))
    return sum(day.weekday() < 5 and day not in holidays for day in days)


result = {
    "calls": rows,
    "working_days": working_days(date(2026, 12, 1), date(2026, 12, 31), {date(2026, 12, 24), date(2026, 12, 25)}),
    "iso_week": "{}-W{:02d}-{}".format(*date(2027, 1, 3).isocalendar()),
}
