"""A timeline as one web page."""

from helperhist.page.render import render_page

__all__ = ["render_page"]
