"""TensorFlow on one thread: run as `python -m benchmarks.decoders.with_tensorflow FOLDER`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from benchmarks.decoders.candidates import Picture, Pixels, decode_in_turn
from model.greeting import filtered

with filtered():
    import tensorflow as tf

# Its default is bilinear without antialiasing; what one takes who looks at the pictures comes after it.
FILTERS = {
    "bilinear": ("bilinear", False),
    "area": ("area", False),
    "bilinear, antialias": ("bilinear", True),
    "bicubic, antialias": ("bicubic", True),
    "Lanczos, antialias": ("lanczos3", True),
}


def ways(picture: Picture) -> Mapping[str, Callable[[bytes], Pixels]]:
    """Each scale of libjpeg with each filter, compiled as one function."""

    def decoded(scale: int, method: str, antialias: bool) -> Callable[[bytes], Pixels]:
        @tf.function(input_signature=[tf.TensorSpec([], tf.string)])
        def decode(data: tf.Tensor) -> tf.Tensor:
            whole = tf.io.decode_jpeg(data, channels=3, ratio=scale)
            wanted = picture.wanted_height, picture.wanted_width
            small = tf.image.resize(whole, wanted, method=method, antialias=antialias)
            return tf.cast(tf.clip_by_value(tf.round(small), 0, 255), tf.uint8)

        return lambda data: decode(tf.constant(data)).numpy()

    return {
        f"TensorFlow, {'whole' if scale == 1 else f'at 1:{scale}'}, {name}": decoded(scale, *filter_)
        for scale in picture.scales()
        for name, filter_ in FILTERS.items()
    }


if __name__ == "__main__":
    tf.config.threading.set_intra_op_parallelism_threads(1)
    decode_in_turn(Path(sys.argv[1]), ways)
