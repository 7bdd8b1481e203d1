"""How decoders are compared."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.decode import SAME_DB, psnr
from benchmarks.decoders.candidates import Picture


def test_quality_is_the_ratio_of_peak_to_error() -> None:
    grey = np.full((2, 2, 3), 100, np.uint8)

    assert psnr(grey + np.uint8(1), grey) == pytest.approx(48.13, abs=0.01)
    assert psnr(grey, grey) == SAME_DB


def test_only_scales_that_leave_the_pixels_wanted_are_tried() -> None:
    assert Picture("640x480", 640, 480, 128, 96, 1).scales() == [1, 2, 4]
