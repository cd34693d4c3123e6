"""tamis sorts a folder of pictures by example, and says how far to trust each answer."""

__version__ = "0.1.0.dev0"
