"""What the chapters need besides the library: how much to compute here, and checks of the learner's own answers."""

from minigan.course.checking import checking
from minigan.course.scale import pick, scale

__all__ = ["checking", "pick", "scale"]
