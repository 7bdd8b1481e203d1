"""The figures of `training.evaluation.figures` on many resamples at once, from how often each row is in each.

scikit-learn called once a resample would take minutes; tests hold that it gives the same.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from model.spec import THRESHOLD, Head, MultiLabelHead
from training.accuracy import overlap
from training.evaluation.bootstrap import Floats
from training.evaluation.figures import BINS, SUBSET_ACCURACY, Probabilities, Targets, bins_of, chosen, names

GAP = "gap"
OF_CLASS = ("precision", "recall", "f1", "average_precision")
# For these all rows are ranked anew on each resample, label by label, which takes far longer than all else together.
AREAS = ("roc_auc", "average_precision")


class Resampled:
    """Figures of some rows as a function of how often each row counts.

    Args:
        head: with labels.
        probabilities: (rows, classes).
        targets: of the same rows, see `figures.Targets`.
        thresholds: (classes,) of a multi-label head.
        by_class: give those of each class too.
        figures: those of the head that are given; None gives all.

    Attributes:
        names: of the figures, in the order in which a call gives them: `(figure,)` of the head; with `by_class`,
            `(label, figure)` of each class; and last `(GAP, bin)`, of whose sizes the calibration error is the sum.
    """

    def __init__(
        self,
        head: Head,
        probabilities: Probabilities,
        targets: Targets,
        thresholds: NDArray[np.floating] | None = None,
        *,
        by_class: bool = False,
        figures: Collection[str] | None = None,
    ) -> None:
        exact = np.asarray(probabilities, np.float64)
        classes = exact.shape[1]
        self._figures = [name for name in names(head) if figures is None or name in figures]
        self.names: list[tuple[str, ...]] = [(name,) for name in self._figures]
        self._by_class = by_class
        self._several = isinstance(head, MultiLabelHead)
        if self._several:
            right = np.asarray(targets, bool)
            predicted = chosen(probabilities, np.full(classes, THRESHOLD) if thresholds is None else thresholds)
            scores = _of_rows_multi(exact, right, predicted)
        else:
            exact = exact / exact.sum(axis=1, keepdims=True)
            right = targets[:, np.newaxis] == np.arange(classes)
            predicted = exact.argmax(axis=1)[:, np.newaxis] == np.arange(classes)
            scores = _of_rows_single(exact, right, predicted)
        self._classes = classes
        self._scores = np.concatenate([np.asarray(one, np.float64).reshape(len(exact), -1) for one in scores], axis=1)
        # Labels right, predicted and both: few of each row.
        self._labels = csr_array(np.concatenate([right, predicted, right & predicted], axis=1).T, dtype=np.float32)
        ranked = by_class or not set(AREAS).isdisjoint(self._figures)
        self._rankings = [Ranking(exact[:, one], right[:, one]) for one in range(classes)] if ranked else []
        if by_class:
            self.names += [(label, name) for name in OF_CLASS for label in head.labels]
        self.names += [(GAP, str(number)) for number in range(BINS)]

    def __call__(self, counts: Floats) -> Floats:
        """Float64 (resamples, rows) -> float64 (resamples, figures), NaN where one is undefined."""
        total = counts.sum(axis=1)
        accuracy, subset, loss, brier, gaps = np.split(counts @ self._scores, [1, 2, 3, 4], axis=1)
        columns = np.ascontiguousarray(counts.T, np.float32)  # (rows, resamples)
        support, given, both = np.split(np.asarray(self._labels @ columns, np.float64).T, 3, axis=1)
        with np.errstate(invalid="ignore", divide="ignore"):
            precision, recall, f1 = both / given, both / support, 2 * both / (given + support)
            occurs = support > 0
            if self._several:
                without = total[:, np.newaxis] - support
                specificity = (without - given + both) / without
                balanced = _mean_where((recall + specificity) / 2, occurs & (without > 0))
                micro = np.nan_to_num(2 * both.sum(axis=1) / (given + support).sum(axis=1))  # no answer at all: 0
                macro = _mean_where(f1, occurs)
            else:
                balanced, micro = _mean_where(recall, occurs), accuracy[:, 0] / total
                macro = _mean_where(f1, occurs | (given > 0))
            gaps /= (total * self._classes if self._several else total)[:, np.newaxis]
            areas = self._areas(columns)
            found = {
                "accuracy": accuracy[:, 0] / total,
                "balanced_accuracy": balanced,
                "macro_f1": macro,
                "micro_f1": micro,
                **{name: _mean_where(area, np.isfinite(area)) for name, area in areas.items()},
                "log_loss": loss[:, 0] / total,
                "brier": brier[:, 0] / total,
                "ece": np.abs(gaps).sum(axis=1),
                SUBSET_ACCURACY: subset[:, 0] / total,
            }
        figures = np.stack([found[name] for name in self._figures], axis=1)
        by_class = [precision, recall, f1, areas["average_precision"]] if self._by_class else []
        return np.concatenate([figures, *by_class, gaps], axis=1)

    def _areas(self, columns: NDArray[np.float32]) -> dict[str, Floats]:
        """Float64 (resamples, classes) of each of `AREAS`; nothing if none is wanted."""
        if not self._rankings:
            return {}
        return dict(zip(AREAS, np.stack([ranking(columns) for ranking in self._rankings], axis=-1), strict=True))


@dataclass(frozen=True)
class _Groups:
    """Rows of equal score with a positive row among them, from the highest score down.

    Args:
        start, end: where the group is among all rows in that order.
        first: where it starts among the positive rows in that order.
    """

    start: NDArray[np.intp]
    end: NDArray[np.intp]
    first: NDArray[np.intp]


class Ranking:
    """Areas under the ROC and the precision-recall curve of one label, as functions of how often each row counts.

    Args:
        scores: (rows,).
        positive: bool (rows,).
    """

    def __init__(self, scores: NDArray[np.floating], positive: NDArray[np.bool_]) -> None:
        self._order = np.argsort(-scores, kind="stable").astype(np.int32)
        ranked = scores[self._order]
        end = np.append(np.flatnonzero(np.diff(ranked)) + 1, len(ranked))
        start = np.append(0, end[:-1])
        until = np.append(0, positive[self._order].cumsum())
        kept = until[end] > until[start]
        self._groups = _Groups(start[kept], end[kept], until[start[kept]])
        self._positive = self._order[positive[self._order]]

    def __call__(self, counts: NDArray[np.float32]) -> Floats:
        """Float32 (rows, resamples) -> float64 (2, resamples): ROC-AUC and average precision; NaN where undefined."""
        groups = self._groups
        if not len(groups.start):
            return np.full((2, counts.shape[1]), np.nan)
        above = np.zeros((len(counts) + 1, counts.shape[1]), np.float32)  # whole numbers: exact up to 2^24 rows
        np.cumsum(counts[self._order], axis=0, out=above[1:])
        rows = np.asarray(above[-1], np.float64)
        over, upto = above[groups.start], above[groups.end]
        own = np.add.reduceat(counts[self._positive], groups.first, axis=0)
        found = own.cumsum(axis=0)  # positives down to here
        positives = np.asarray(found[-1], np.float64)
        negatives = rows - positives
        level = upto - over - own  # negatives of the same score
        below = negatives - (over - (found - own)) - level
        with np.errstate(invalid="ignore", divide="ignore"):
            roc = (own * (below + level / 2)).sum(axis=0, dtype=np.float64) / (positives * negatives)
            precision = np.where(upto > 0, found / np.maximum(upto, 1), 0)
            area = (own * precision).sum(axis=0, dtype=np.float64) / positives
            area[negatives == 0] = np.nan  # any ranking would have 1
        return np.stack([roc, area])


def _of_rows_single(
    probabilities: Floats, right: NDArray[np.bool_], predicted: NDArray[np.bool_]
) -> list[NDArray[np.generic]]:
    """Of each row: whether it is right (twice), log loss, Brier score, and its gap in the bin of its confidence."""
    halved = 2 if probabilities.shape[1] == 2 else 1
    correct = (right & predicted).any(axis=1)
    confidence = probabilities.max(axis=1)
    gaps = np.zeros((len(probabilities), BINS))
    gaps[np.arange(len(gaps)), bins_of(confidence)] = correct - confidence
    squares = ((probabilities - right) ** 2).sum(axis=1) / halved
    return [correct, correct, _loss(probabilities[right]), squares, gaps]


def _of_rows_multi(
    probabilities: Floats, right: NDArray[np.bool_], predicted: NDArray[np.bool_]
) -> list[NDArray[np.generic]]:
    """Of each row: labels that are both of those that are either, whether all are right, log loss, Brier, gaps."""
    gaps = np.zeros((len(probabilities), BINS))
    rows = np.repeat(np.arange(len(gaps)), probabilities.shape[1])
    np.add.at(gaps, (rows, bins_of(probabilities.reshape(-1))), (right - probabilities).reshape(-1))
    losses = _loss(np.where(right, probabilities, 1 - probabilities)).mean(axis=1)
    squares = ((probabilities - right) ** 2).mean(axis=1)
    return [overlap(predicted, right), (predicted == right).all(axis=1), losses, squares, gaps]


def _loss(likelihood: Floats) -> Floats:
    # scikit-learn's bound
    smallest = np.finfo(np.float64).eps
    bounded: Floats = np.clip(likelihood, smallest, 1 - smallest)
    return -np.log(bounded)


def _mean_where(values: Floats, counted: NDArray[np.bool_]) -> Floats:
    """Mean along the second axis of what counts; NaN where nothing does."""
    summed: Floats = np.where(counted, values, 0).sum(axis=1) / counted.sum(axis=1)
    return summed
