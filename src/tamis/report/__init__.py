"""One self-contained HTML page: how pictures were sorted and, if known, how well.

The page needs nothing but itself: thumbnails are in it, its style is in it, and
it runs no script. File and class names are other people's: whatever the template
writes goes through `tamis.errors.printable` and is escaped.
"""

from tamis.report.page import render

__all__ = ["render"]
