"""A bundle loaded, checked and called."""

from __future__ import annotations

import gc
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.bundle import Bundle
from model.errors import BundleError
from model.examples import DecodedExample, Example, Tensors, decode, stack
from model.greeting import filtered
from model.signature import EXPLAIN, SERVING, serving_outputs, target_of
from model.spec import ImageInput, ModelSpec
from service.backends import AS_SAVED, Backend, BackendName, Candidates, Preparing
from service.cpu import Cpu
from service.engine.explanation import Explanation, from_tensors
from service.runtime.agreement import Agreement
from service.runtime.calibration import calibrating
from service.runtime.chooser import Chooser
from service.runtime.lean_import import tf_text_libraries, without_keras
from service.runtime.winograd import convolutions

with filtered(), without_keras():
    import tensorflow as tf

    # A SavedModel with its operations does not load otherwise.
    for library in tf_text_libraries():
        tf.load_op_library(str(library))

    from service.runtime import openvino_network, saved_model
    from service.runtime.openvino_network import OpenVINONetwork

# Passes over the middle generation before one over the old; Python's own default is 10.
_OLD_THRESHOLD = 100
# In place of a picture; of whatever size it should be.
_NO_PIXELS = np.zeros([1, 1, 1], np.uint8)
# For each head the probabilities of one example, float32 (classes,).
Probabilities = dict[str, NDArray[np.float32]]


def prepare(*, intra_op: int, inter_op: int) -> None:
    """Gets this process ready to serve; once, before anything is loaded.

    Sets the sizes of TensorFlow's own pools. And has the garbage collector stop all else less often:

    - It no longer sees the 400,000 objects that TensorFlow's import leaves, under 4,000 of them garbage. Whoever
      imports TensorFlow may switch it off until then: looking through them again and again is a sixth of the import.
    - It looks through old objects, those of the models, ten times more rarely. Requests leave next to nothing there,
      and each time took a tenth of a second: a fifth of the 99th percentile of busy answers.

    Args:
        intra_op: threads that share the work of one operation.
        inter_op: threads that run operations beside each other.
    """
    young, middle, _ = gc.get_threshold()
    gc.set_threshold(young, middle, _OLD_THRESHOLD)
    gc.freeze()
    gc.enable()
    tf.config.threading.set_intra_op_parallelism_threads(intra_op)
    tf.config.threading.set_inter_op_parallelism_threads(inter_op)


class Runtime:
    """A bundle in memory.

    Args:
        bundle: what to load.
        chooser: says which backend computes the probabilities; TensorFlow with the model as it was saved, if not given.
        calls: of the model that are made at once.
        threads: that share the work of one call in a backend that has threads of its own.

    Explanations are always computed by TensorFlow with the model as it was saved.

    Raises:
        BundleError: if TensorFlow can't load it, or it disagrees with its own golden examples.
    """

    def __init__(self, bundle: Bundle, chooser: Chooser | None = None, *, calls: int = 1, threads: int = 1) -> None:
        self._spec = bundle.spec
        try:
            # Held on to as a whole: the signature alone keeps neither the weights nor the vocabularies alive.
            self._loaded = tf.saved_model.load(str(bundle.path))
            signature = self._loaded.signatures[SERVING]
            self._explain = saved_model.unoptimized(self._loaded.signatures[EXPLAIN])
        except (OSError, ValueError, KeyError, tf.errors.OpError) as error:
            said = str(error).replace(str(bundle.path), bundle.path.name)  # which callers can read in /models
            raise BundleError(f"TensorFlow can't load {bundle.path.name}: {said}") from error
        golden = bundle.golden()
        self._example = decode(bundle.spec, max(golden.examples, key=len))
        tensors = golden.tensors(bundle.spec)
        answers = saved_model.unoptimized(signature)(tensors)
        golden.check(answers)
        for head, info in serving_outputs(bundle.spec).items():
            given, expected = answers[head].shape[1], info.shape[1]
            if given != expected:
                raise BundleError(f"Head {head!r} has {expected} labels, but the model gives {given} probabilities.")
        agreement = Agreement(tensors, answers, bundle.spec, bundle.metadata.threshold_arrays)
        offered = _offered(self._loaded, signature, bundle.spec, tensors, calls=calls, threads=threads)
        self._serve = (chooser or Chooser()).choose(bundle, offered, agreement)
        self._prepare = self._serve.prepare if isinstance(self._serve, Preparing) else None

    def warm_up(self, batch_sizes: Sequence[int]) -> None:
        """Answers an absent example in batches of each size, so that no request pays for the first call.

        And explains a golden one.

        Raises:
            BundleError: if it can't be explained.
        """
        for size in batch_sizes:
            self._serve(stack(self._spec, [{}] * size))
        try:
            self.explain(self._example, dict.fromkeys(self._spec.heads, 0))
        except (KeyError, ValueError, TypeError, tf.errors.OpError) as error:
            raise BundleError(f"The model can't explain its answers: {error}") from error

    def prepare(self, example: Example) -> None:
        """Begins with an example that is likely to be the next one predicted, alone, while it is being decoded.

        Does nothing if the backend can't.
        """
        if self._prepare is not None:
            words = decode(self._spec, {name: value for name, value in example.items() if isinstance(value, str)})
            pictures = {name: _NO_PIXELS for name, value in example.items() if isinstance(value, bytes)}
            self._prepare(stack(self._spec, [{**words, **pictures}]))

    def predict(self, examples: Sequence[DecodedExample]) -> list[Probabilities]:
        """The probabilities of each head for each example; every example alone as in any company."""
        answers = self._serve(stack(self._spec, examples))
        return [{head: values[row] for head, values in answers.items()} for row in range(len(examples))]

    def explain(self, example: DecodedExample, targets: Mapping[str, int]) -> dict[str, Explanation]:
        """Why an example has the probabilities that it has.

        Args:
            example: a decoded one.
            targets: for each head that is to be explained the index of a label.

        Returns:
            An explanation for each of these heads, each on its own.
        """
        explained = {}
        for head, label in targets.items():
            # The signature explains the sum over the heads that have a target, so one at a time.
            chosen = {target_of(name): np.array([label if name == head else -1], np.int32) for name in self._spec.heads}
            outputs = self._explain(stack(self._spec, [example]) | chosen)
            explained[head] = from_tensors(self._spec, head, label, outputs, frozenset(example))
        return explained


def _offered(loaded: Any, signature: Any, spec: ModelSpec, golden: Tensors, *, calls: int, threads: int) -> Candidates:
    """The backends that this bundle has on this machine."""
    has_bfloat16 = Cpu.found().has_bfloat16()
    offered: dict[BackendName, Callable[[], Backend]] = {AS_SAVED: partial(saved_model.as_saved, signature)}
    # The likely fastest next: time may not do to try all of them.
    if hasattr(loaded, "classify") and openvino_network.is_installed():
        network = OpenVINONetwork(loaded, list(spec.heads), calls=calls, threads=threads)
        if any(isinstance(one, ImageInput) for one in spec.inputs.values()):
            if convolutions.is_supported():
                offered["winograd-float32"] = network.winograd
            offered["openvino-int8"] = lambda: network.int8(calibrating(spec, golden))
        if has_bfloat16:
            offered["openvino-bfloat16"] = network.bfloat16
        offered["openvino-float32"] = network.float32
    if has_bfloat16:
        offered["frozen-bfloat16"] = partial(saved_model.frozen, signature, bfloat16=True)
    offered["frozen-float32"] = partial(saved_model.frozen, signature, bfloat16=False)
    return offered
