"""Specs: read, written, and answered kindly when wrong."""

import dataclasses
import importlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis.descriptors import Descriptor, descriptor, list_descriptors
from tamis.descriptors.registry import DESCRIPTORS
from tamis.errors import InvalidParameterError, UnknownNameError


@pytest.mark.parametrize(
    ("spec", "canonical"),
    [
        ("color", "color(bins=12,regions=3,size=128)"),
        ("color()", "color(bins=12,regions=3,size=128)"),
        ("color(bins=8)", "color(bins=8,regions=3,size=128)"),
        ("color(size=none)", "color(bins=12,regions=3,size=none)"),
        ("color(size=None)", "color(bins=12,regions=3,size=none)"),
        ("color(size=64,bins=2)", "color(bins=2,regions=3,size=64)"),
        ("  color ( bins = 8 , regions=1 ) ", "color(bins=8,regions=1,size=128)"),
        ("edge", "edge(block=4,regions=4,size=128,threshold=5.0,variant=mpeg7)"),
        ("edge(threshold=7)", "edge(block=4,regions=4,size=128,threshold=7.0,variant=mpeg7)"),
        ("edge(regions=none)", "edge(block=4,regions=4,size=128,threshold=5.0,variant=mpeg7)"),
        (
            "edge(variant=absolute)",
            "edge(block=4,regions=10,size=128,threshold=5.0,variant=absolute)",
        ),
        ("edge(threshold=1e-7)", "edge(block=4,regions=4,size=128,threshold=1e-07,variant=mpeg7)"),
    ],
)
def test_a_spec_has_one_canonical_form(spec, canonical):
    assert descriptor(spec).spec == canonical
    assert descriptor(canonical).spec == canonical
    assert descriptor(canonical) == descriptor(spec)


@given(bins=st.integers(1, 32), regions=st.integers(1, 16), size=st.none() | st.integers(1, 65_535))
def test_any_color_goes_round(bins, regions, size):
    written = f"color(bins={bins},regions={regions},size={'none' if size is None else size})"
    built = descriptor(written)
    assert (built.bins, built.regions, built.size) == (bins, regions, size)
    assert built.spec == written


@given(threshold=st.floats(0, 510), block=st.integers(1, 32).map(lambda half: 2 * half))
def test_any_edge_goes_round(threshold, block):
    built = descriptor(f"edge(threshold={threshold},block={block})")
    assert (built.threshold, built.block) == (threshold, block)
    assert descriptor(built.spec) == built


def test_the_table_names_what_it_leads_to():
    assert list_descriptors() == list(DESCRIPTORS)
    for name, place in DESCRIPTORS.items():
        module, _, attribute = place.partition(":")
        kind = getattr(importlib.import_module(module), attribute)
        assert issubclass(kind, Descriptor)
        assert descriptor(name).name == name
        assert type(descriptor(name)) is kind
        assert dataclasses.is_dataclass(kind)


@pytest.mark.parametrize(
    ("spec", "near"),
    [("colour", "color"), ("Color", "color"), ("edgy", "edge"), ("colr()", "color")],
)
def test_an_unknown_name_is_answered_with_the_nearest(spec, near):
    with pytest.raises(UnknownNameError, match=f"Did you mean {near}") as caught:
        descriptor(spec)
    for name in list_descriptors():
        assert name in str(caught.value)


def test_a_name_near_to_none_is_answered_with_all():
    with pytest.raises(UnknownNameError, match=r"'wavelet'\. Known: "):
        descriptor("wavelet")


@pytest.mark.parametrize(
    "spec",
    [
        "",
        " ",
        "color(",
        "color)",
        "color(bins=8",
        "color(bins=8))",
        "color edge",
        "color((bins=8))",
    ],
)
def test_what_cannot_be_read_is_answered_with_an_example(spec):
    with pytest.raises(InvalidParameterError, match=r"cannot read .* such as color\("):
        descriptor(spec)


@pytest.mark.parametrize("argument", ["bin=8", "8", "Bins=8", "name=x", "summary=x", "=8", "bins"])
def test_an_unknown_argument_is_answered_with_the_known(argument):
    with pytest.raises(InvalidParameterError, match="a key among: bins, regions, size"):
        descriptor(f"color({argument})")


def test_an_argument_given_twice_is_refused():
    with pytest.raises(InvalidParameterError, match="given bins twice"):
        descriptor("color(bins=8,bins=8)")


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("color(bins=0)", r"bins must be an integer in \[1, 32\]\. Got 0"),
        ("color(bins=33)", "Got 33"),
        ("color(bins=8.5)", r"Got 8\.5"),
        ("color(bins=many)", "Got 'many'"),
        ("color(bins=none)", "Got None"),
        ("color(bins=)", "Got ''"),
        ("color(bins=a=b)", "Got 'a=b'"),
        ("color(regions=0)", "regions must be"),
        ("color(regions=17)", "regions must be"),
        ("color(size=0)", r"size must be an integer in \[1, 65535\] or none\. Got 0"),
        ("color(size=-1)", "Got -1"),
        ("color(size=65536)", "Got 65536"),
        ("edge(variant=mpeg)", "variant must be one of mpeg7, absolute. Got 'mpeg'"),
        ("edge(variant=none)", "Got None"),
        ("edge(block=3)", r"block must be an even integer in \[2, 64\]\. Got 3"),
        ("edge(block=66)", "Got 66"),
        ("edge(regions=33)", r"in \[1, 32\] or none\. Got 33"),
        ("edge(threshold=-1)", r"threshold must be a number in \[0, 510\]\. Got -1"),
        ("edge(threshold=511)", "Got 511"),
        ("edge(threshold=nan)", "Got nan"),
        ("edge(threshold=none)", "Got None"),
        ("edge(threshold=high)", "Got 'high'"),
    ],
)
def test_an_argument_out_of_its_range_is_refused(spec, message):
    with pytest.raises(InvalidParameterError, match=message):
        descriptor(spec)


def test_true_is_no_number():
    from tamis.descriptors.classical.color import Color

    with pytest.raises(InvalidParameterError, match="Got True"):
        Color(bins=True)
