"""How branch vectors become one: Keras's merge layers, and learned ones, a file each."""

from model.merges.features import Features
from model.merges.merging import merge

__all__ = ["Features", "merge"]
