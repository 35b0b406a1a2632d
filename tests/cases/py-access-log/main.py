import re
from collections import Counter, defaultdict
from datetime import datetime

LINE = re.compile(
    r"""^(?P<host>\d{1,3}(?:\.\d{1,3}){3})\s-\s(?P<user>\S+)\s
        \[(?P<when>[^\]]+)\]\s
        "(?P<method>[A-Z]+)\s(?P<path>[^\s?"]+)(?:\?(?P<query>[^\s"]*))?\sHTTP/[\d.]+"\s
        (?P<status>\d{3})\s(?P<size>\d+)\s(?P<seconds>\d+\.\d+)$""",
    re.VERBOSE,
)


def percentile(values, share):
    ordered = sorted(values)
    position = (len(ordered) - 1) * share
    low = int(position)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (position - low)


statuses, hosts, unparsed = Counter(), Counter(), []
times = defaultdict(list)
first = last = None
with open("/data/access.log") as log:
    for number, text in enumerate(log, 1):
        text = text.strip()
        if not text:
            continue
        match = LINE.match(text)
        if match is None:
            unparsed.append(number)
            continue
        when = datetime.strptime(match["when"], "%d/%b/%Y:%H:%M:%S %z")
        first, last = first or when, when
        statuses[match["status"][0] + "xx"] += 1
        hosts[match["host"]] += 1
        times[match["path"]].append(float(match["seconds"]))

everything = [seconds for values in times.values() for seconds in values]
slowest = sorted(times, key=lambda path: -percentile(times[path], 0.5))[:2]
print(f"{sum(statuses.values())} requests in {(last - first).seconds} s, starting {first.isoformat()}")
print("slowest:", ", ".join(f"{path} ({percentile(times[path], 0.5):.2f} s)" for path in slowest))

result = {
    "statuses": dict(sorted(statuses.items())),
    "hosts": hosts.most_common(2),
    "p50": round(percentile(everything, 0.5), 4),
    "p95": round(percentile(everything, 0.95), 4),
    "unparsed_lines": unparsed,
}
