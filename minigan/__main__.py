"""`python -m minigan`: the same as `minigan`."""

from minigan.cli import main

main()
