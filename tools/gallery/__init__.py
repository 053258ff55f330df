"""A gallery: every component of desk, stele and card in every state, in one file that needs no network.

    python -m tools.gallery FILE

Nothing is drawn for it. Parts come from the macros of the templates or are cut out of whole pages over the towns of
`tests/web`, screens are those pages, in frames, and the styles are the shipped ones. tests/web/test_gallery.py holds
that nothing is missing: no rule of the styles, no state that the code knows, no macro, no drawing, no token.
"""

from tools.gallery.page import Gallery, gallery

__all__ = ["Gallery", "gallery"]
