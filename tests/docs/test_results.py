"""The tables of docs/results.md are those of docs/results/*.csv."""

import csv
import importlib.util
import re
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"


def make_tables():
    spec = importlib.util.spec_from_file_location("make_tables", DOCS / "make_tables.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_holds_the_cells_of_the_files():
    text = (DOCS / "results.md").read_text(encoding="utf-8")
    assert make_tables().page(text) == text


def test_each_file_is_described_once_and_shown_once():
    with open(DOCS / "results" / "tables.csv", encoding="utf-8", newline="") as file:
        described = [row["table"] for row in csv.DictReader(file)]
    text = (DOCS / "results.md").read_text(encoding="utf-8")
    shown = re.findall(r"^<!-- table: ([\w-]+) -->$", text, re.MULTILINE)
    files = {path.stem for path in (DOCS / "results").glob("*.csv")} - {"tables"}
    assert sorted(described) == sorted(shown) == sorted(files)


def test_no_table_of_the_page_is_without_a_file():
    lines = (DOCS / "results.md").read_text(encoding="utf-8").splitlines()
    heads = [n for n, line in enumerate(lines) if line.startswith("| ---")]
    assert heads
    for head in heads:
        assert lines[head - 3].startswith("<!-- table: "), lines[head - 1]


def test_all_rows_of_a_file_are_as_long_as_its_header():
    for path in (DOCS / "results").glob("*.csv"):
        with open(path, encoding="utf-8", newline="") as file:
            assert len({len(row) for row in csv.reader(file)}) == 1, path.name
