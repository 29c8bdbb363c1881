"""The applications of chapters 07 to 11, each a short program on the library, and their way to whole pictures."""
