"""UrbanLens: see what a network sees in street images, where, how much, and whether to believe it."""

__version__ = "0.1.0"
