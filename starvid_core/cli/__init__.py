"""The command `starvid`: every file here adds its commands to the app.

Torch is imported inside the commands, so that help answers at once.
"""

from importlib import import_module
from pkgutil import iter_modules

from starvid_core.cli.app import app, main

__all__ = ["app", "main"]

for _file in iter_modules(__path__):
    if not _file.name.startswith("_"):
        import_module(f"{__name__}.{_file.name}")
