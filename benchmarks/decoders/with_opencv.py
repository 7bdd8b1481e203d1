"""OpenCV on one thread: run as `python -m benchmarks.decoders.with_opencv FOLDER` where opencv-python-headless is."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import cv2
import numpy as np

from benchmarks.decoders.candidates import Picture, Pixels, decode_in_turn

FLAGS = {
    1: cv2.IMREAD_COLOR,
    2: cv2.IMREAD_REDUCED_COLOR_2,
    4: cv2.IMREAD_REDUCED_COLOR_4,
    8: cv2.IMREAD_REDUCED_COLOR_8,
}
FILTERS = {"area": cv2.INTER_AREA, "linear": cv2.INTER_LINEAR, "cubic": cv2.INTER_CUBIC}


def ways(picture: Picture) -> Mapping[str, Callable[[bytes], Pixels]]:
    """Each scale of libjpeg with each filter."""

    def decoded(flag: int, filter_: int) -> Callable[[bytes], Pixels]:
        def decode(data: bytes) -> Pixels:
            whole = cv2.imdecode(np.frombuffer(data, np.uint8), flag)
            small = cv2.resize(whole, (picture.wanted_width, picture.wanted_height), interpolation=filter_)
            return cv2.cvtColor(small, cv2.COLOR_BGR2RGB)

        return decode

    return {
        f"OpenCV, {'whole' if scale == 1 else f'at 1:{scale}'}, {name}": decoded(FLAGS[scale], filter_)
        for scale in picture.scales()
        for name, filter_ in FILTERS.items()
    }


if __name__ == "__main__":
    cv2.setNumThreads(1)
    decode_in_turn(Path(sys.argv[1]), ways)
