"""XMP files that name a class."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis.sorting.xmp import XmpError, class_in, with_class

DIGIKAM = b"""<?xml version="1.0" encoding="UTF-8"?>
<?xpacket begin='\xef\xbb\xbf' id='W5M0MpCehiHzreSzNTczkc9d'?>
<x:xmpmeta xmlns:x="adobe:ns:meta/" x:xmptk="XMP Core 4.4.0-Exiv2">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about="" xmlns:digiKam="http://www.digikam.org/ns/1.0/"
    xmlns:dc="http://purl.org/dc/elements/1.1/"
    xmlns:lr="http://ns.adobe.com/lightroom/1.0/">
   <digiKam:TagsList><rdf:Seq><rdf:li>places/forest</rdf:li></rdf:Seq></digiKam:TagsList>
   <lr:hierarchicalSubject>
    <rdf:Bag><rdf:li>places|forest</rdf:li></rdf:Bag>
   </lr:hierarchicalSubject>
   <dc:subject><rdf:Bag><rdf:li>forest</rdf:li></rdf:Bag></dc:subject>
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end='w'?>"""


def test_lists_of_other_programs_get_the_class_too_and_lose_it_again():
    owl = with_class(DIGIKAM, "owl")
    assert owl.count(b"<rdf:li>owl</rdf:li>") == 3
    assert b"<rdf:li>places|forest</rdf:li>" in owl and b"<?xpacket begin=" in owl
    deer = with_class(owl, "deer")
    assert deer.count(b"<rdf:li>deer</rdf:li>") == 3 and b"owl" not in deer
    gone = with_class(deer, None)
    assert b"deer" not in gone and b"<rdf:li>forest</rdf:li>" in gone


def test_a_keyword_that_is_there_is_not_there_twice():
    assert with_class(DIGIKAM, "forest").count(b"<rdf:li>forest</rdf:li>") == 3


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "no XML"),
        (b"<a/>", "describes nothing"),
        (b'<!DOCTYPE a [<!ENTITY b "c">]><a/>', "entities"),
        (b" " * (8 << 20) + b"<a/>", "larger than 8 MB"),
    ],
)
def test_what_is_no_xmp_is_refused(content, why):
    with pytest.raises(XmpError, match=why):
        with_class(content, "owl")


@pytest.mark.parametrize("label", ["\udcff", "a\0b", "\x1b"])
def test_classes_that_no_xml_can_hold_are_refused(label):
    with pytest.raises(XmpError, match="no text"):
        with_class(None, label)


@given(st.text(st.characters(blacklist_categories=("Cs", "Cc")), min_size=1, max_size=40))
def test_every_class_comes_back_as_it_was(label):
    try:
        made = with_class(None, label)
    except XmpError:  # U+FFFE and U+FFFF
        return
    assert class_in(made) == label
    assert with_class(made, None) is None
