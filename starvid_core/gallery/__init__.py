"""The gallery: a folder of pages that show every figure beside what the paper says, offline."""

from starvid_core.gallery.pages import write

__all__ = ["write"]
