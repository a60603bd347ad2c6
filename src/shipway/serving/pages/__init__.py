"""The web pages: what is served and how good it is, a form to try it, files scored, recent traffic.

They are drawn here and load nothing from elsewhere, so that they work without a network; what happens in a page is in the
scripts beside these modules. Names of columns, levels and projects are strangers' texts: markup is only ever made by formatting
a `Markup`, which escapes what it is given, and the scripts make elements and never markup.
"""

from __future__ import annotations

from shipway.serving.pages.asking import documentation
from shipway.serving.pages.document import HEADERS
from shipway.serving.pages.home import home
from shipway.serving.pages.project import project
from shipway.serving.pages.traffic import traffic

__all__ = ["HEADERS", "documentation", "home", "project", "traffic"]
