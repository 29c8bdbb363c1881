"""Pretrained models in image generation: the library that the course builds, chapter by chapter."""

__version__ = "0.1.0"
