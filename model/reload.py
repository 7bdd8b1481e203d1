"""Run as a script: loads a SavedModel, calls `serving_default`, writes what it answers.

    python -I reload.py SAVED_MODEL INPUTS.npz OUTPUTS.npz

It imports nothing of this project, so what it can do any TensorFlow program can.
"""

import sys

import numpy as np
import tensorflow as tf
import tensorflow_text  # noqa: F401  (registers the tokenizers' operations)


def main(saved_model: str, inputs: str, outputs: str) -> None:
    """Reads the arrays of `inputs`, which the exporting process has just written, as the signature's tensors."""
    with np.load(inputs, allow_pickle=True) as arrays:
        tensors = {name: tf.constant(arrays[name]) for name in arrays.files}
    serve = tf.saved_model.load(saved_model).signatures["serving_default"]
    np.savez(outputs, **{name: tensor.numpy() for name, tensor in serve(**tensors).items()})


if __name__ == "__main__":
    main(*sys.argv[1:])
