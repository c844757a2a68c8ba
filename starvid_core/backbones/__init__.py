"""One file a backbone, each with `load(...) -> Backbone`."""

from starvid_core.backbones.base import Backbone, Codec, load

__all__ = ["Backbone", "Codec", "load"]
