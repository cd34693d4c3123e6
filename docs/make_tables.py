"""Write the tables of docs/results.md from docs/results/*.csv: `python docs/make_tables.py`.

A table stands below a comment `<!-- table: NAME -->` and holds the cells of
`docs/results/NAME.csv` as they are. `docs/results/tables.csv` says for each by which command it was
measured, on which machine, with which versions, and when. A test compares page and files.
"""

import csv
import re
from pathlib import Path

PAGE = Path(__file__).parent / "results.md"
TABLES = Path(__file__).parent / "results"
TABLE = re.compile(r"^<!-- table: ([\w-]+) -->\n+(?:\|[^\n]*\n)*\n*", re.MULTILINE)


def rows_of(name: str) -> list[list[str]]:
    """Read the cells of a table, its header first."""
    with open(TABLES / f"{name}.csv", encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def table(name: str) -> str:
    """Write a table of Markdown under its comment."""
    header, *rows = rows_of(name)
    lines = [header, ["---"] * len(header), *rows]
    text = "\n".join("|" + "|".join(f" {cell} " for cell in line) + "|" for line in lines)
    return f"<!-- table: {name} -->\n\n{text}\n\n"


def page(text: str) -> str:
    """Put the tables of the CSV files into the text of the page."""
    return TABLE.sub(lambda found: table(found[1]), text).rstrip() + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
