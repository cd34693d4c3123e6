"""Options: the same words for the same things, the old names too, and help in whole phrases."""

import json
import re

import pytest
import typer

from command import tamis
from pictures import KINDS, write_kinds
from tamis.cli import app, options
from tamis.images import DEFAULT_MAX_PIXELS

COMMANDS = typer.main.get_command(app).commands
OPTIONS = [(name, option) for name, command in COMMANDS.items() for option in command.params]


@pytest.mark.parametrize(
    ("name", "option"), OPTIONS, ids=[f"{name} {option.opts[0]}" for name, option in OPTIONS]
)
def test_help_is_a_phrase_with_an_end(name, option):
    if option.name == "help":
        return
    assert re.match(r"[A-Z].*\.$", option.help, re.S), option.help


def test_defaults_are_those_of_the_library():
    assert options.MAX_PIXELS == DEFAULT_MAX_PIXELS


@pytest.mark.parametrize(
    ("command", "new", "old"),
    [
        ("search", "--classes", "--label"),
        ("search", "--report", "--html"),
        ("search", "--parts", "--split"),
        ("evaluate", "--parts", "--split"),
        ("compare", "--parts", "--split"),
        ("train", "--classifier", "--net"),
        ("sort", "--follow-links", "--follow"),
    ],
)
def test_old_names_still_work(command, new, old):
    (option,) = (one for one in COMMANDS[command].params if new in one.opts)
    assert option.opts[0] == new and old in option.opts


@pytest.mark.parametrize("command", ["split", "sort", "evaluate", "train", "compare", "search"])
def test_classes_can_be_chosen_wherever_class_folders_are_read(command):
    assert any("--classes" in option.opts for option in COMMANDS[command].params)


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("options") / "photos"
    write_kinds(folder, 6)
    return folder


def test_only_the_chosen_classes_are_learned_and_scored(photos, tmp_path):
    two, by = ",".join(KINDS[:2]), ("--by", "color(bins=4)")
    words = ("evaluate", "--train", photos, "--test", photos, *by, "--classes", two)
    scored = json.loads(tamis(*words, "--json", "-").stdout)
    assert scored["classes"] == sorted(KINDS[:2]) and scored["n_images"] == 12
    words = ("sort", "--train", photos, "--input", photos / KINDS[2], "--out", tmp_path / "s")
    done = tamis(*words, *by, "--classes", two, "--dry-run", "--json", "-")
    assert set(json.loads(done.stdout)["classes"]) == set(KINDS[:2])


def test_folds_and_a_ratio_exclude_each_other(photos, tmp_path):
    words = ("split", photos, tmp_path / "p", "--folds", 3, "--ratio", 0.5, 0, 0.5)
    done = tamis(*words, check=False)
    assert done.returncode == 2 and not (tmp_path / "p").exists()
    assert "--folds and --ratio exclude each other" in done.stderr
