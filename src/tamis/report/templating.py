"""How templates become pages: what they write is printable and escaped."""

from functools import cache
from typing import Any

import jinja2
from markupsafe import Markup, escape

from tamis.errors import printable


@cache
def environment() -> jinja2.Environment:
    """Give the environment in which the templates of the report are rendered."""
    made = jinja2.Environment(
        loader=jinja2.PackageLoader("tamis.report", "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=_finalize,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "percent": _percent,
        "interval": _interval,
        "counted": _counted,
        "short": _short_number,
        "breakable": _breakable,
    }
    return made


def _finalize(value: Any) -> Any:
    """Make all that the template writes printable; what is markup has been already."""
    return printable(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _interval(ends: tuple[float, float]) -> str:
    return f"({100 * ends[0]:.1f} to {100 * ends[1]:.1f})"


def _counted(n: int, one: str, many: str = "") -> str:
    return f"{n:,} {one if n == 1 else many or one + 's'}"


def _breakable(path: str) -> Markup:
    """Let a path break after its slashes, and not in the end of its name.

    Examples
    --------
    >>> print(_breakable("photos/fox/IMG_0053.jpg"))
    photos/<wbr>fox/<wbr>IMG_<span class="tail">0053.jpg</span>
    """
    folders, slash, name = printable(path).rpartition("/")
    stem, dot, suffix = name.rpartition(".")
    if not dot or len(suffix) > 5:
        stem, dot, suffix = name, "", ""
    head = Markup("").join(part + Markup("/<wbr>") for part in map(escape, folders.split("/")))
    tail = Markup('<span class="tail">{}</span>').format(stem[-4:] + dot + suffix)
    return (head if slash else Markup("")) + escape(stem[:-4]) + tail


def _short_number(value: float) -> str:
    """Write a distance with three significant digits, without an exponent where possible.

    Examples
    --------
    >>> [_short_number(value) for value in (0.0, 0.6, 12.345, 1234.5, 1.5e-7)]
    ['0', '0.600', '12.3', '1234', '1.5e-07']
    """
    if value == 0 or 1000 <= abs(value) < 1e7:
        return f"{value:.0f}"
    return f"{value:#.3g}".rstrip(".") if 1e-4 <= abs(value) < 1000 else f"{value:.2g}"
