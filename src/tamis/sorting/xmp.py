"""XMP files: the class of a picture as a keyword that other programs read.

References
----------
ISO 16684-1:2019, "Graphic technology. Extensible metadata platform (XMP). Part 1: Data model,
serialization and core properties".
"""

import re
from dataclasses import dataclass
from typing import Any, Final
from xml.dom import minidom
from xml.parsers.expat import ExpatError

from tamis.errors import TamisError

SUFFIX: Final = ".xmp"
LARGEST: Final = 8 << 20
"""Bytes of an XMP file that is read."""

_RDF: Final = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_DC: Final = "http://purl.org/dc/elements/1.1/"
_OWN: Final = "urn:tamis:1"
_TREES: Final = (
    ("http://ns.adobe.com/lightroom/1.0/", "hierarchicalSubject"),
    ("http://www.digikam.org/ns/1.0/", "TagsList"),
)
"""Lists of keywords that their programs prefer to ``dc:subject`` where they are there."""
_EMPTY: Final = f"""\
<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/" x:xmptk="tamis">
 <rdf:RDF xmlns:rdf="{_RDF}">
  <rdf:Description rdf:about=""/>
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end="w"?>
"""
_NO_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class KeywordFile:
    """An XMP file that is to be written.

    Attributes
    ----------
    label : str or None
        The class; None takes away that of before.
    base : str or None
        The XMP file that it is made from.
    """

    label: str | None
    base: str | None = None

    def content(self) -> bytes | None:
        """Return what is to be written; None if nothing is left to be said."""
        return with_class(None if self.base is None else read_xmp(self.base), self.label)


def read_xmp(path: str) -> bytes:
    """Read an XMP file, or as much of it as tells that it is too large."""
    with open(path, "rb") as file:
        return file.read(LARGEST + 1)


class XmpError(TamisError):
    """The file is no XMP, or holds what cannot be written as XMP."""


def with_class(content: bytes | None, label: str | None) -> bytes | None:
    """Make the class of a picture a keyword, in the place of the class that it had before.

    All else that a file says stays.

    Parameters
    ----------
    content : bytes or None
        What the file says now; None if there is none.
    label : str or None
        The class; None takes the keyword of before away.

    Returns
    -------
    bytes or None
        None if nothing is left to be said.

    Raises
    ------
    XmpError
        The content is no XMP, or the class is no text of XML.

    Examples
    --------
    >>> text = with_class(None, "owl")
    >>> b"<rdf:li>owl</rdf:li>" in text, b"owl" in with_class(text, "deer")
    (True, False)
    >>> with_class(text, None) is None
    True
    """
    if label is not None and _NO_XML.search(label):
        raise XmpError("the name of its class is no text that an XMP file can hold")
    document = _parsed(_EMPTY.encode() if content is None else content)
    about = _about(document)
    for one in about:
        if before := one.getAttributeNS(_OWN, "class"):
            one.removeAttributeNS(_OWN, "class")
            _take_out(one, before)
    if label is not None:
        first = about[0]
        first.setAttributeNS(_OWN, "tamis:class", label)
        first.setAttribute("xmlns:tamis", _OWN)
        _put_in(document, about, _DC, "subject", label, prefix="dc")
        for space, name in _TREES:
            if any(_lists(one, space, name) for one in about):
                _put_in(document, about, space, name, label, prefix="")
    elif all(_says_nothing(one) for one in about):
        return None
    return bytes(document.toxml(encoding="utf-8"))


def class_in(content: bytes) -> str | None:
    """Return the class that `with_class` wrote into a file; None if it wrote none.

    Raises
    ------
    XmpError
        The content is no XMP.
    """
    found = (one.getAttributeNS(_OWN, "class") for one in _about(_parsed(content)))
    return next(filter(None, found), None)


def _about(document: minidom.Document) -> list[minidom.Element]:
    about = list(document.getElementsByTagNameNS(_RDF, "Description"))
    if not about:
        raise XmpError("its XMP file describes nothing")
    return about


def _parsed(content: bytes) -> minidom.Document:
    if len(content) > LARGEST or b"<!DOCTYPE" in content:
        raise XmpError("its XMP file is larger than 8 MB, or defines entities")
    try:
        return minidom.parseString(content.strip(b"\0"))
    except (ExpatError, ValueError) as error:
        raise XmpError(f"its XMP file is no XML ({error})") from None


def _lists(about: minidom.Element, space: str, name: str) -> list[minidom.Element]:
    """Find the bags of a property."""
    return [
        bag
        for held in about.getElementsByTagNameNS(space, name)
        for kind in ("Bag", "Seq", "Alt")
        for bag in held.getElementsByTagNameNS(_RDF, kind)
    ]


def _put_in(
    document: minidom.Document,
    about: list[minidom.Element],
    space: str,
    name: str,
    label: str,
    *,
    prefix: str,
) -> None:
    bags = [bag for one in about for bag in _lists(one, space, name)]
    if not bags:
        held = document.createElementNS(space, f"{prefix}:{name}")
        held.setAttribute(f"xmlns:{prefix}", space)
        about[0].appendChild(held)
        bags = [held.appendChild(document.createElementNS(_RDF, f"{about[0].prefix}:Bag"))]
    if any(_text(item) == label for bag in bags for item in _items(bag)):
        return
    item = document.createElementNS(_RDF, f"{bags[0].prefix or about[0].prefix}:li")
    item.appendChild(document.createTextNode(label))
    bags[0].appendChild(item)


def _take_out(about: minidom.Element, label: str) -> None:
    for space, name in ((_DC, "subject"), *_TREES):
        for bag in _lists(about, space, name):
            for item in _items(bag):
                if _text(item) == label:
                    bag.removeChild(item)
            if not _items(bag):
                held: Any = bag.parentNode
                held.parentNode.removeChild(held)


def _items(bag: minidom.Element) -> list[minidom.Element]:
    return list(bag.getElementsByTagNameNS(_RDF, "li"))


def _text(item: minidom.Element) -> str:
    return "".join(node.data for node in item.childNodes if isinstance(node, minidom.Text))


def _says_nothing(about: minidom.Element) -> bool:
    names = {name for name in about.attributes.keys() if not name.startswith("xmlns")}  # noqa: SIM118
    inside = any(isinstance(node, minidom.Element) for node in about.childNodes)
    return not inside and names <= {"rdf:about"}
