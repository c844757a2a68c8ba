"""Studies: declared once in `data/studies`, run to their results, and set beside the paper's."""

from starvid_core.studies.declared import (
    QUICK,
    REPRODUCE,
    STUDY,
    Cell,
    Declaration,
    Shown,
    Study,
    accelerated,
    declaration,
    drawings,
    ensure,
    load,
    names,
    of,
    scores,
    sources,
)

__all__ = [
    "QUICK",
    "REPRODUCE",
    "STUDY",
    "Cell",
    "Declaration",
    "Shown",
    "Study",
    "accelerated",
    "declaration",
    "drawings",
    "ensure",
    "load",
    "names",
    "of",
    "scores",
    "sources",
]
