import json
import textwrap
from pathlib import Path
from string import Template

PAGE = Template("""\
# Results, $quarter

$table

$note

The best region was ${best}. This costs $$5 to print.
""")


def escape(text):
    return str(text).replace("|", "\\|")


def table(head, align, rows):
    cells = [[escape(cell) for cell in row] for row in [head, *rows]]
    widths = [max(len(row[column]) for row in cells) for column in range(len(head))]

    def line(row):
        padded = (f"{cell:{side}{width}}" for cell, side, width in zip(row, align, widths))
        return "| " + " | ".join(padded) + " |"

    rule = "|" + "|".join(
        ":" + "-" * (width + 1) if side == "<" else "-" * (width + 1) + ":" for side, width in zip(align, widths)
    ) + "|"
    return "\n".join([line(cells[0]), rule, *map(line, cells[1:])])


data = json.loads(Path("/data/quarter.json").read_text())
rows = [(row["region"], f"{row['revenue']:,.2f}", f"{row['change']:+.1%}") for row in data["rows"]]
rows.append(("**Total**", f"{sum(row['revenue'] for row in data['rows']):,.2f}", ""))

page = PAGE.substitute(
    quarter=data["quarter"],
    table=table(("Region", "Revenue", "Change"), "<>>", rows),
    note=textwrap.fill(data["note"], width=60, initial_indent="> ", subsequent_indent="> "),
    best=max(data["rows"], key=lambda row: row["change"])["region"],
)
Path("/out/report.md").write_text(page)

try:
    PAGE.substitute(quarter="Q4")
except KeyError as missing:
    print("the template needs", missing)

len(page.splitlines())
