"""Self-contained HTML pages: how pictures were sorted and how well; what was found.

A page needs nothing but itself: thumbnails are in it, its style is in it, and
it runs no script. File and class names are other people's: whatever the template
writes goes through `tamis.errors.printable` and is escaped.
"""

from tamis.report.checkup import render_checkup
from tamis.report.class_choice import render_study
from tamis.report.comparison import render_comparison
from tamis.report.contact_sheet import contact_sheet
from tamis.report.curves import Course
from tamis.report.duplicate_sheet import duplicate_sheet
from tamis.report.page import render

__all__ = [
    "Course",
    "contact_sheet",
    "duplicate_sheet",
    "render",
    "render_checkup",
    "render_comparison",
    "render_study",
]
