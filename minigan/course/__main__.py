"""`python -m minigan.course build`: the same as `minigan course build`."""

from minigan.cli import run
from minigan.course.commands import app

run(app)
