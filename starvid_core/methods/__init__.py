"""One file a method, a row of Table I; `starvid_core.methods.base` says what it holds."""

import sys
from typing import cast

from starvid_core.discovery import find
from starvid_core.methods.base import Method


def load(name: str) -> Method:
    """The method of the file `methods/<name>.py`; an unknown name is an InputError."""
    return cast(Method, find(sys.modules[__name__], name))
