"""A SavedModel whose network OpenVINO computes, and whose tokenizers TensorFlow. An extra: `bifocal[openvino]`."""

from __future__ import annotations

import logging
import threading
from functools import cached_property
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Literal

import tensorflow as tf
from numpy.typing import NDArray

from model.examples import Tensors
from service.backends import Answers, Backend, UnusableError
from service.runtime.lean_import import without_keras_models
from service.runtime.openvino_core import compiled
from service.runtime.quantization import quantize

if TYPE_CHECKING:
    import openvino

logger = logging.getLogger("bifocal")


def is_installed() -> bool:
    """Whether the extra is there; without importing it."""
    return find_spec("openvino") is not None


class OpenVINONetwork:
    """The network of a bundle, converted when it is first needed, and once for all precisions.

    Args:
        loaded: a SavedModel with the functions `encode` and `classify` of `model.serving.halves`.
        heads: of the model.
        calls: that are made at once.
        threads: that share the work of one call.
    """

    def __init__(self, loaded: Any, heads: list[str], *, calls: int, threads: int) -> None:
        self._loaded = loaded
        self._heads = heads
        self._failure: UnusableError | None = None
        self._options = {
            "PERFORMANCE_HINT": "LATENCY",
            "NUM_STREAMS": calls,
            "INFERENCE_NUM_THREADS": calls * threads,
        }

    def float32(self) -> Backend:
        """Compiled for this CPU in float32."""
        return self._compiled(self.converted, "f32")

    def bfloat16(self) -> Backend:
        """With convolutions and matrix products in bfloat16."""
        return self._compiled(self.converted, "bf16")

    def int8(self, examples: Tensors) -> Backend:
        """With convolutions behind the first in 8-bit integers, and the rest in float32.

        Args:
            examples: whose values say which ranges the integers are to cover.

        Raises:
            UnusableError: if there is no such convolution.
        """
        halves = self.halves
        calibration = halves.encoded(examples, halves.places(self.converted))
        return self._compiled(quantize(self.converted, calibration), "f32")

    @cached_property
    def halves(self) -> Halves:
        """What TensorFlow keeps of it."""
        return Halves(*self._loaded.encode.concrete_functions, *self._loaded.classify.concrete_functions)

    @cached_property
    def converted(self) -> openvino.Model:
        """In float32, not compiled yet.

        Raises:
            UnusableError: if OpenVINO can't convert it; tried once.
        """
        import openvino

        if self._failure is not None:
            raise self._failure
        try:
            with without_keras_models(tf):
                return openvino.convert_model(*self._loaded.classify.concrete_functions)
        except MemoryError:  # may do another time
            raise
        except Exception as error:
            logger.info("OpenVINO can't convert the network", exc_info=True)
            self._failure = UnusableError(f"OpenVINO can't convert the network: {error}")
            raise self._failure from error

    def _compiled(self, network: openvino.Model, precision: Literal["f32", "bf16"]) -> Backend:
        model = compiled(network, **self._options, INFERENCE_PRECISION_HINT=precision)
        halves, heads = self.halves, self._heads  # not the whole of self, which has the converted network
        places = halves.places(model)
        outputs = {one.get_any_name().partition(":")[0]: one for one in model.outputs}
        own = threading.local()

        def answer(tensors: Tensors) -> Answers:
            if not hasattr(own, "request"):
                own.request = model.create_infer_request()
            results = own.request.infer(halves.encoded(tensors, places), share_inputs=True)
            return {head: results[outputs[head]] for head in heads}

        return answer


class Halves:
    """What TensorFlow computes of a model, and how OpenVINO takes it over."""

    def __init__(self, encode: Any, classify: Any) -> None:
        self._encode = encode
        taken = classify.structured_input_signature[0][0]
        self._names = sorted(taken)  # the order of a function's flat inputs
        # `encode` only passes pictures on; given none at all in their place, it copies none.
        self._empty_pictures = {
            name: tf.zeros([0, *spec.shape[1:]], spec.dtype) for name, spec in taken.items() if spec.dtype == tf.uint8
        }
        self._tensors = [tensor.name.partition(":")[0] for tensor in classify.inputs[: len(self._names)]]

    def places(self, model: Any) -> list[int]:
        """Where among the inputs of a model, converted or compiled, the network's are."""
        # OpenVINO orders its inputs as it likes, and calls some after the tensor, some after its operation.
        places = {one.get_any_name().partition(":")[0]: place for place, one in enumerate(model.inputs)}
        return [places[tensor] for tensor in self._tensors]

    def encoded(self, tensors: Tensors, places: list[int]) -> dict[int, NDArray[Any]]:
        """What the network takes, by the places of its inputs."""
        given = {name: tf.constant(array) for name, array in tensors.items() if name not in self._empty_pictures}
        encoded = self._encode(given | self._empty_pictures)
        return {
            place: tensors[name] if name in self._empty_pictures else encoded[name].numpy()
            for place, name in zip(places, self._names, strict=True)
        }
