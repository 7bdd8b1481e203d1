"""How good a model is, and how sure that is.

bootstrap.py          95 % intervals of figures and of differences; of draws.py: resamples, and replicates.py: BCa
figures.py            figures of a head on some rows, by scikit-learn
resampled.py          the same figures on many resamples at once
calibration_error.py  the interval of the calibration error
calibration.py        temperatures and thresholds, fitted on validation
measured.py           all that is said of one head
slices.py             rows by the values of a column
evaluating.py         a model on some rows: as they are, without each input, by slices
subject.py            a model of a run or bundle, as it is served; rows.py: the rows that it is measured on
telling.py            figures as tables on a terminal; written.py: as files
"""

from training.evaluation.evaluating import About, Evaluated, Predict, evaluate

__all__ = ["About", "Evaluated", "Predict", "evaluate"]
