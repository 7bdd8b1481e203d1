"""The least that has to happen before a first answer: TensorFlow imported, the SavedModel loaded, called once.

python -m benchmarks.serving.bare BUNDLE     (prints a line when it has been called)
"""

from __future__ import annotations

import sys

import numpy as np
import tensorflow as tf
import tensorflow_text  # noqa: F401  (a SavedModel with its operations does not load otherwise)

if __name__ == "__main__":
    loaded = tf.saved_model.load(sys.argv[1])
    serve = loaded.signatures["serving_default"]
    _, takes = serve.structured_input_signature
    arguments = {
        name: tf.zeros([1, *info.shape[1:]], info.dtype) if info.dtype != tf.string else tf.constant([""])
        for name, info in takes.items()
    }
    answers = {name: np.asarray(values) for name, values in serve(**arguments).items()}
    print("called", {name: values.shape for name, values in answers.items()}, flush=True)
