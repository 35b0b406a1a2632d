import difflib
import re
import unicodedata

SPECIAL = str.maketrans({"ø": "o", "ß": "ss", "æ": "ae", "đ": "d"})


def normalise(name):
    if "," in name:
        last, first = name.split(",", 1)
        name = f"{first} {last}"
    name = name.casefold().replace("ue", "u").translate(SPECIAL)
    name = "".join(c for c in unicodedata.normalize("NFKD", name) if not unicodedata.combining(c))
    return re.sub(r"[^a-z ]", "", name).strip()


def levenshtein(a, b):
    if len(a) < len(b):
        a, b = b, a
    previous = list(range(len(b) + 1))
    for row, left in enumerate(a, 1):
        current = [row]
        for column, right in enumerate(b, 1):
            current.append(min(previous[column] + 1, current[-1] + 1, previous[column - 1] + (left != right)))
        previous = current
    return previous[-1]


assert levenshtein("kitten", "sitting") == 3 and levenshtein("", "abc") == 3

known = {normalise(name): name for name in input["theirs"]}
matches, unmatched = [], []
for name in input["ours"]:
    key = normalise(name)
    best = min(known, key=lambda other: levenshtein(key, other))
    distance = levenshtein(key, best)
    if distance <= max(2, len(key) // 5):
        ratio = difflib.SequenceMatcher(None, key, best).ratio()
        matches.append({"ours": name, "theirs": known[best], "distance": distance, "ratio": round(ratio, 3)})
    else:
        unmatched.append(name)
        print(name, "is nearest to", known[best], "at distance", distance)

close = difflib.get_close_matches("soren kierkegaard", known, n=1)
print(close)
result = {"matches": matches, "unmatched": unmatched}
