"""Pictures decoded once and kept on disk, for all runs that share a folder; see docs/decisions/image-cache.md."""

from training.cache.column import Decoded
from training.cache.lookup import Progress, decoded

__all__ = ["Decoded", "Progress", "decoded"]
