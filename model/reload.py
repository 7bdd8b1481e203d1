"""Run as a script: loads a SavedModel, calls its signatures, writes what they answer.

    python -I reload.py SAVED_MODEL INPUTS.npz OUTPUTS.npz

Arrays are named `<signature>/<tensor>`. It imports nothing of this project, so what it can do any TensorFlow program
can.
"""

import sys

import numpy as np
import tensorflow as tf
import tensorflow_text  # noqa: F401  (registers the tokenizers' operations)


def main(saved_model: str, inputs: str, outputs: str) -> None:
    """Reads the arrays of `inputs`, which the exporting process has just written, as the signatures' tensors."""
    arguments: dict[str, dict[str, tf.Tensor]] = {}
    with np.load(inputs, allow_pickle=True) as arrays:
        for key in arrays.files:
            signature, name = key.split("/")
            arguments.setdefault(signature, {})[name] = tf.constant(arrays[key])
    loaded = tf.saved_model.load(saved_model)
    answers = {
        f"{signature}/{name}": tensor.numpy()
        for signature, tensors in arguments.items()
        for name, tensor in loaded.signatures[signature](**tensors).items()
    }
    np.savez(outputs, allow_pickle=True, **answers)


if __name__ == "__main__":
    main(*sys.argv[1:])
