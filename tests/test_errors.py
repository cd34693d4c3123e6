"""The errors: their family, their texts, their trips between processes."""

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis import errors
from tamis.errors import (
    CodebookError,
    CollectionError,
    DestinationError,
    Failure,
    FileFormatError,
    ImageReadError,
    InvalidParameterError,
    JournalError,
    MissingExtraError,
    ModelError,
    PluginError,
    ReductionError,
    TableError,
    TamisError,
    TrainingError,
    UnknownNameError,
    WeightsError,
    printable,
)

BUILTINS = {
    InvalidParameterError: ValueError,
    UnknownNameError: LookupError,
    ImageReadError: OSError,
    TableError: ValueError,
    DestinationError: OSError,
    JournalError: RuntimeError,
    FileFormatError: ValueError,
    CodebookError: ValueError,
    ReductionError: ValueError,
    ModelError: ValueError,
    PluginError: ImportError,
    WeightsError: ValueError,
    CollectionError: RuntimeError,
    TrainingError: RuntimeError,
    MissingExtraError: ImportError,
}


def error_classes():
    return [
        value
        for value in vars(errors).values()
        if isinstance(value, type) and issubclass(value, BaseException)
    ]


def build(kind):
    return kind("a/b.jpg", "is empty") if kind is ImageReadError else kind("it is so")


def test_every_error_is_listed_here_and_drawn_in_the_tree():
    assert set(error_classes()) - {TamisError} == set(BUILTINS)
    for kind in error_classes():
        assert kind.__name__ in errors.__doc__


@pytest.mark.parametrize("kind", BUILTINS, ids=lambda kind: kind.__name__)
def test_an_error_is_of_the_family_and_of_the_builtin_it_refines(kind):
    assert issubclass(kind, TamisError)
    assert issubclass(kind, BUILTINS[kind])
    line = next(line for line in errors.__doc__.splitlines() if f"── {kind.__name__} " in line)
    assert f"({BUILTINS[kind].__name__})" in line


@pytest.mark.parametrize("kind", BUILTINS, ids=lambda kind: kind.__name__)
def test_an_error_survives_pickling(kind):
    error = build(kind)
    back = pickle.loads(pickle.dumps(error))
    assert type(back) is kind
    assert str(back) == str(error)
    assert vars(back) == vars(error)


def test_image_read_error_keeps_path_and_reason():
    error = ImageReadError("chat\udce9\n.jpg", "is empty (0 bytes)")
    assert error.path == "chat\udce9\n.jpg"
    assert error.reason == "is empty (0 bytes)"
    assert str(error) == "chat\\xe9\\n.jpg: is empty (0 bytes)"


def test_failure_is_a_value():
    assert Failure("a", "b") == Failure("a", "b") != Failure("a", "c")
    assert pickle.loads(pickle.dumps(Failure("a", "b"))) == Failure("a", "b")
    with pytest.raises(AttributeError):
        Failure("a", "b").path = "c"


def test_unknown_name_error_gives_the_nearest_names():
    error = UnknownNameError.among("descriptor", "colr", ["edge", "color", "gabor"])
    assert str(error) == (
        "unknown descriptor 'colr'. Did you mean color? Known: color, edge, gabor."
    )


def test_unknown_name_error_gives_several_near_names_nearest_first():
    error = UnknownNameError.among("distance", "cosin", ["l1", "cosine", "cosines", "cos"])
    assert "Did you mean cosine or cosines or cos?" in str(error)


def test_unknown_name_error_guesses_nothing_far_off():
    error = UnknownNameError.among("descriptor", "xyzzy", iter(["edge", "color"]))
    assert str(error) == "unknown descriptor 'xyzzy'. Known: color, edge."


def test_missing_extra_error_names_the_command():
    error = MissingExtraError.for_extra("heif", "HEIC")
    assert str(error).startswith("HEIC needs an optional library.")
    assert 'pip install "tamis[heif]"' in str(error)


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("plain/name.jpg", "plain/name.jpg"),
        ("two  spaces", "two  spaces"),
        ("猫/été/🐈.png", "猫/été/🐈.png"),
        ("e\u0301", "e\u0301"),
        ("a\nb\tc\rd", "a\\nb\\tc\\rd"),
        ("bell\x07\x1b[31m", "bell\\x07\\x1b[31m"),
        ("not\udcff utf-8", "not\\xff utf-8"),
        ("right\u202eto left", "right\\u202eto left"),
    ],
)
def test_printable(path, shown):
    assert printable(path) == shown


@given(st.binary(max_size=30))
def test_printable_gives_one_printable_line_for_any_name(name):
    shown = printable(name.decode("utf-8", "surrogateescape"))
    assert shown.isprintable()
    shown.encode("utf-8")


@given(st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S"]), max_size=30))
def test_printable_leaves_printable_names_alone(name):
    assert printable(name) == name
