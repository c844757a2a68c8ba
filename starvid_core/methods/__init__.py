"""One file a method, each with `guide(trajectory, backbone, config=None, steps=None) -> Guide`."""

import sys
from types import ModuleType

from starvid_core.discovery import find


def load(name: str) -> ModuleType:
    """The method of the file `methods/<name>.py`; an unknown name is an InputError."""
    return find(sys.modules[__name__], name)
