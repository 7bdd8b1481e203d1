"""What a request carries: pictures, texts and tags."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator

from model.folding import fold
from model.images import Fit
from model.spec.names import Name
from model.validation import Part


class ImageInput(Part):
    """A picture, decoded to uint8 (height, width, 3).

    Args:
        height: rows in pixels.
        width: columns in pixels.
        fit: how a picture of another shape is brought to that size; see `model.images.decode`.
        branch_of: another image input, whose branches read this one too, with the same weights. Height, width and fit
            are taken from it.
    """

    kind: Literal["image"] = "image"
    height: int = Field(64, ge=8, le=1024)
    width: int = Field(64, ge=8, le=1024)
    fit: Fit = "letterbox"
    branch_of: Name | None = None


class TextInput(Part):
    """A text in any language. A blank text counts as absent.

    Args:
        branch_of: another text input, whose branches read this one too, with the same weights and vocabulary.
    """

    kind: Literal["text"] = "text"
    branch_of: Name | None = None


class TagsInput(Part):
    """A set of tags in one string; order, case and repetition do not matter.

    Args:
        delimiter: what stands between two tags.
        branch_of: another tags input, whose branches read this one too, with the same weights and vocabulary. The
            delimiter is taken from it.
    """

    kind: Literal["tags"] = "tags"
    delimiter: str = Field(",", min_length=1, max_length=1)
    branch_of: Name | None = None

    @field_validator("delimiter")
    @classmethod
    def _separates(cls, delimiter: str) -> str:
        # Texts are normalized and folded before they are split, and blanks within a tag are kept.
        if delimiter.isalnum() or delimiter.isspace() or fold(delimiter) != delimiter:
            raise ValueError(f"{delimiter!r} can't separate tags; expected ',', ';', '|' or the like.")
        return delimiter


Input = Annotated[ImageInput | TextInput | TagsInput, Field(discriminator="kind")]
