"""Varying training examples, seeded, in the thread that makes the batches; see docs/decisions/augmentation.md."""

from training.augment.pictures import pictures
from training.augment.texts import texts

__all__ = ["pictures", "texts"]
