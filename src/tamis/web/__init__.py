"""The local page: look at answers, correct them, let the plan be carried out.

It stands on the same verbs as the command line. Its libraries are those of the extra ``web``,
which are loaded when a page is served.
"""

from tamis.web.serving import Served, review_folder, serve

__all__ = ["Served", "review_folder", "serve"]
