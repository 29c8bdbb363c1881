"""What the chapters need besides the library: how much to compute here, checks of own answers, results."""

from minigan.course.checking import checking
from minigan.course.measured import measured
from minigan.course.scale import pick, scale

__all__ = ["checking", "measured", "pick", "scale"]
