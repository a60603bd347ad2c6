"""The web pages: what is served and how good it is, a form to try it, files scored, recent traffic.

They are drawn here and load nothing from elsewhere, so that they work without a network; what happens in a page is in the
scripts beside these modules. Names of columns, levels and projects are strangers' texts: markup is only ever made by formatting
a `Markup`, which escapes what it is given, and the scripts make elements and never markup.
"""
