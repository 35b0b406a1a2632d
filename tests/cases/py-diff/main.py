import configparser
import difflib
import re
from pathlib import Path

data = Path("/data")
old = (data / "old.conf").read_text().splitlines(keepends=True)
new = (data / "new.conf").read_text().splitlines(keepends=True)

patch = list(difflib.unified_diff(old, new, "old.conf", "new.conf"))
Path("/out/conf.patch").write_text("".join(patch))


def apply(patch, lines):
    """Applies a unified diff, and checks its context while doing so."""
    output, at = [], 0
    for line in patch[2:]:
        if head := re.match(r"@@ -(\d+)(?:,\d+)? \+\d+(?:,\d+)? @@", line):
            start = int(head[1]) - 1
            output += lines[at:start]
            at = start
        elif line[0] in " -":
            assert lines[at] == line[1:], f"line {at + 1} is not as the patch says"
            output += [line[1:]] if line[0] == " " else []
            at += 1
        else:
            output.append(line[1:])
    return output + lines[at:]


assert apply(patch, old) == new


def settings(lines):
    parser = configparser.ConfigParser()
    parser.read_string("[main]\n" + "".join(lines))
    return {f"{section}.{key}": value for section in parser.sections() for key, value in parser[section].items()}


before, after = settings(old), settings(new)
changed = {key: [before.get(key), after[key]] for key in sorted(after) if before.get(key) != after[key]}
print(f"{sum(line[0] == '+' for line in patch[2:])} added, {sum(line[0] == '-' for line in patch[2:])} removed")
changed
