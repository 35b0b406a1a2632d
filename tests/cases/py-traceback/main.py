from datetime import datetime


class BadMonth(ValueError):
    """A month that no calendar has."""


def parse(text):
    try:
        return datetime.strptime(text, "%Y-%m")
    except ValueError as error:
        raise BadMonth(f"bad month {text!r}") from error


def lengths(months):
    for text in months:
        month = parse(text)
        following = month.replace(year=month.year + month.month // 12, month=month.month % 12 + 1)
        yield text, (following - month).days


print("before")
result = dict(lengths(input["months"]))
print("never printed")
