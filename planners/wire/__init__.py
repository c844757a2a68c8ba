"""The text of replies and the scenes and boxes that it stands for; read strictly, not repaired."""

from planners.wire.boxes import Cells
from planners.wire.frames import Wire, checked

__all__ = ["Cells", "Wire", "checked"]
