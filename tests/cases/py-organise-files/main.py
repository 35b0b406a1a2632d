import hashlib
import os
import re
from collections import Counter
from pathlib import Path

ROOT = Path("/downloads")
SORTED = ROOT / "sorted"


def candidates():
    for folder, folders, files in os.walk(ROOT):
        folders[:] = sorted(name for name in folders if Path(folder, name) != SORTED)
        for name in sorted(files):
            if not name.startswith("."):
                yield Path(folder, name)


def destination(path):
    kind = path.suffix.lower().lstrip(".") or "other"
    month = re.search(r"\b(20\d\d-(?:0[1-9]|1[0-2]))\b", path.stem)
    return SORTED / kind / (month[1] if month else "undated") / path.name


def digest(path):
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


seen, moved, removed = {}, Counter(), []
# Names with a month first, so that of two equal files the better name stays.
for path in sorted(candidates(), key=lambda path: ("undated" in destination(path).parts, path)):
    content = digest(path)
    if content in seen:
        path.unlink()
        removed.append(path.name)
        continue
    target = destination(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    path.rename(target)
    seen[content] = target
    moved[target.relative_to(SORTED).parts[0]] += 1

for folder, folders, files in os.walk(ROOT, topdown=False):
    if Path(folder) != ROOT and not os.listdir(folder):
        os.rmdir(folder)

tree = sorted(str(path.relative_to(ROOT)) for path in ROOT.rglob("*") if path.is_file())
for line in tree:
    print(line)
assert (SORTED / "txt" / "undated" / "notes.txt").stat().st_size == 5
assert not (ROOT / "deep").exists()

result = {"moved": dict(moved), "removed": removed}
