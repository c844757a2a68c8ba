"""The Explorer: a widget for JupyterLab to lay out a scene, guide a video by it and look inside."""

from starvid_core.explorer.widget import Explorer

__all__ = ["Explorer"]
