"""Text in specs: quoted where it needs it, and read back as it was."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis.descriptors import split_specs
from tamis.descriptors.grammar import read, read_arguments, read_value, written
from tamis.errors import InvalidParameterError

VALUES = st.none() | st.integers() | st.floats(allow_nan=False) | st.text()


@given(VALUES)
def test_any_value_goes_round(value):
    again = read_value(written(value))
    assert again == value
    assert type(again) is type(value)


@given(st.lists(st.dictionaries(st.sampled_from("abc"), VALUES), max_size=4))
def test_any_list_of_specs_goes_round(several):
    text = ", ".join(
        f"x({','.join(f'{key}={written(value)}' for key, value in one.items())})" for one in several
    )
    parts = split_specs(text)
    assert [read_arguments(*read(part), "abc") for part in parts] == several


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("mpeg7", "mpeg7"),
        ("/a/b-c_d.npz", "/a/b-c_d.npz"),
        ("größe", "größe"),
        ("a b", '"a b"'),
        ("a,b", '"a,b"'),
        ("C:\\a(1).npz", '"C:\\a(1).npz"'),
        ('say "x"', '"say ""x"""'),
        ("", '""'),
        ("12", '"12"'),
        ("1e5", '"1e5"'),
        ("None", '"None"'),
        ("a+b", '"a+b"'),
        (12, "12"),
        (None, "none"),
    ],
)
def test_text_is_quoted_only_where_it_would_be_misread(value, text):
    assert written(value) == text
    assert read_value(text) == value


@pytest.mark.parametrize("text", ['a"b"', '"a"b', '"a" "b"', '"a"b"c"'])
def test_stray_quotes_in_a_value_are_refused(text):
    with pytest.raises(InvalidParameterError, match="Put quotes around all of it"):
        read_arguments("vlad", f"codebook={text}", ["codebook"])


@pytest.mark.parametrize("spec", ['vlad(codebook="a)', 'vlad(codebook=a")', '"vlad"', 'vl"ad'])
def test_quotes_that_do_not_close_are_refused(spec):
    with pytest.raises(InvalidParameterError, match="cannot read the descriptor"):
        read(spec)


def test_long_nonsense_is_refused_at_once():
    with pytest.raises(InvalidParameterError):
        read("x(" + '"' * 100_001)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("color", ["color"]),
        (" color , lbp ,", ["color", "lbp"]),
        ("", []),
        ("color(bins=8,size=none),lbp(regions=2)", ["color(bins=8,size=none)", "lbp(regions=2)"]),
        ('vlad(codebook="),("),lbp', ['vlad(codebook="),(")', "lbp"]),
        ("a(b(c,d),e),f", ["a(b(c,d),e)", "f"]),
    ],
)
def test_a_list_is_cut_outside_of_brackets_and_quotes(text, parts):
    assert split_specs(text) == parts
