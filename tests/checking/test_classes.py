"""Odd classes: empty, tiny, alike by name, inside another."""

from pathlib import Path

import pytest

from tamis.checking.classes import find_class_findings, plain_name
from tamis.table import ImageTable


def findings(root: Path, *files: str, folders: tuple[str, ...] = ()) -> dict[str, list[tuple]]:
    """Find what is odd about files that are no pictures but by their name."""
    for name in files:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    for name in folders:
        (root / name).mkdir(parents=True)
    found: dict[str, list[tuple]] = {}
    for one in find_class_findings(ImageTable.from_folder(root)):
        found.setdefault(one.kind, []).append((*one.names, one.n))
    return found


def five(folder: str) -> list[str]:
    return [f"{folder}/{i}.jpg" for i in range(5)]


def test_nothing_is_odd(tmp_path: Path) -> None:
    assert findings(tmp_path, *five("cat"), *five("dog")) == {}


def test_empty_and_tiny_classes(tmp_path: Path) -> None:
    found = findings(tmp_path, *five("cat"), "dog/1.jpg", folders=("owl",))
    assert found == {"empty": [("owl", 0)], "tiny": [("dog", 1)]}


@pytest.mark.parametrize("other", ["Red Fox", "red-fox", "RED_FOX"])
def test_names_that_a_person_reads_as_one(tmp_path: Path, other: str) -> None:
    (names,) = findings(tmp_path, *five("red_fox"), *five(other))["alike"]
    assert set(names) == {"red_fox", other, 10}


def test_two_folders_of_one_class_by_its_accents(tmp_path: Path) -> None:
    found = findings(tmp_path, *five("caf\u00e9"), *five("cafe\u0301"))
    assert set(found["alike"][0]) == {"caf\u00e9", "cafe\u0301", 10}


def test_a_class_inside_another(tmp_path: Path) -> None:
    found = findings(tmp_path, *five("cat"), *five("dog"), "cat/dog/9.jpg")
    assert found == {"inside": [("cat/dog", "cat", 1)]}


def test_names_of_signs_alone_are_not_one() -> None:
    assert plain_name("--") != plain_name("__")
