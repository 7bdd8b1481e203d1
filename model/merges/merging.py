"""From the spec of a merge to its layers."""

from __future__ import annotations

from collections.abc import Sequence

import keras

from model.merges.cross_attention import CrossAttention
from model.merges.factorized_bilinear import FactorizedBilinear
from model.merges.features import Features
from model.merges.film import Film
from model.merges.gated import Gated
from model.merges.low_rank_bilinear import LowRankBilinear
from model.merges.projection import to_one_width
from model.spec import (
    BilinearMerge,
    ConcatenateMerge,
    CrossAttentionMerge,
    DotMerge,
    ElementwiseMerge,
    FilmMerge,
    GatedMerge,
    Merge,
    SubtractMerge,
)

ELEMENTWISE = {
    "add": keras.layers.Add,
    "average": keras.layers.Average,
    "maximum": keras.layers.Maximum,
    "minimum": keras.layers.Minimum,
    "multiply": keras.layers.Multiply,
}


def merge(spec: Merge, views: Sequence[Features]) -> keras.KerasTensor:
    """Merges what the branches made of the inputs, by a layer `merge.<kind>`; docs/merges.md has the formulas.

    Args:
        spec: the kind of merge and its settings.
        views: at least one, in the order of the branches; exactly two for `subtract` and `dot`.

    Returns:
        float (batch, width). The width is `units` for elementwise merges, `subtract`, `gated` and `bilinear`, 1 for
        `dot`, the sum of the views' widths for `concatenate`, that without the condition's for `film`, and for
        `cross_attention` the sum of the views' widths and of `units` for each view. A single view's vector is returned
        as it is.
    """
    if len(views) == 1:
        return views[0].vector
    vectors, name = [view.vector for view in views], f"merge.{spec.kind}"
    match spec:
        case ConcatenateMerge():
            return keras.layers.Concatenate(name=name)(vectors)
        case ElementwiseMerge():
            return ELEMENTWISE[spec.kind](name=name)(to_one_width(views, spec.units))
        case SubtractMerge():
            return keras.layers.Subtract(name=name)(to_one_width(views, spec.units))
        case DotMerge():
            return keras.layers.Dot(axes=1, normalize=spec.normalize, name=name)(to_one_width(views, spec.units))
        case GatedMerge():
            return Gated(spec.units or max(vector.shape[-1] for vector in vectors), name=name)(vectors)
        case FilmMerge():
            return Film(_condition(spec, views), name=name)(vectors)
        case BilinearMerge(factors=1):
            return LowRankBilinear(spec.units, dropout=spec.dropout, name=name)(vectors)
        case BilinearMerge():
            return FactorizedBilinear(spec.units, spec.factors, dropout=spec.dropout, name=name)(vectors)
        case CrossAttentionMerge():
            layer = CrossAttention(spec.units, spec.attention_heads, dropout=spec.dropout, name=name)
            attended = layer([view.states for view in views], [view.mask for view in views])
            # With the vectors, so that a branch's own dense layer is trained and what it sees alone is not lost.
            return keras.layers.Concatenate(name="merge.concatenate")([*vectors, attended])


def _condition(spec: FilmMerge, views: Sequence[Features]) -> int:
    """Which view scales and shifts the others: the one that is named, or the first over words, or the last."""
    if spec.condition is not None:
        return [view.name for view in views].index(spec.condition)
    return next((place for place, view in enumerate(views) if view.is_words), len(views) - 1)
