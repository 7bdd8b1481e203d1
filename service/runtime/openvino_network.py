"""A SavedModel whose network OpenVINO computes, and whose tokenizers TensorFlow. An extra: `bifocal[openvino]`."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from functools import cached_property
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Literal

import tensorflow as tf

from model.examples import Tensors
from service.backends import Answers, Backend, UnusableError
from service.runtime.halves import Halves
from service.runtime.lean_import import without_keras_models
from service.runtime.openvino_core import compiled
from service.runtime.quantization import quantize
from service.runtime.winograd.convolutions import Convolutions
from service.runtime.winograd.cutting import cut

if TYPE_CHECKING:
    import openvino

logger = logging.getLogger("bifocal")

# Operations that are work for several threads, whatever they are given.
_HEAVY = {
    "Convolution",
    "ConvolutionBackpropData",
    "GroupConvolution",
    "GroupConvolutionBackpropData",
    "GRUSequence",
    "If",
    "LSTMSequence",
    "Loop",
    "RNNSequence",
    "TensorIterator",
}


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
        self._calls = calls
        self._threads = threads
        self._failure: UnusableError | None = None

    def float32(self) -> Backend:
        """Compiled for this CPU in float32."""
        return self._compiled(self.converted, "f32")

    def winograd(self) -> Backend:
        """In float32, with convolutions one behind the other computed by Winograd's minimal filtering.

        Raises:
            UnusableError: if there are none behind a picture.
        """
        rest, chains = cut(self.converted)
        convolutions = {name: Convolutions(chain, threads=self._threads) for name, chain in chains.items()}
        return self._compiled(rest, "f32", convolutions, threads=1 if _is_light(rest) else None)

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

    def _compiled(
        self,
        network: openvino.Model,
        precision: Literal["f32", "bf16"],
        convolutions: Mapping[str, Convolutions] | None = None,
        *,
        threads: int | None = None,
    ) -> Backend:
        """Compiled.

        Args:
            network: in float32.
            precision: of convolutions and matrix products.
            convolutions: by names of inputs, which take what these make of their pictures.
            threads: that share the work of one call, if not as many as for all.
        """
        options = {
            "PERFORMANCE_HINT": "LATENCY",
            "NUM_STREAMS": self._calls,
            "INFERENCE_NUM_THREADS": self._calls * (threads or self._threads),
            "INFERENCE_PRECISION_HINT": precision,
        }
        model = compiled(network, **options)
        names = [one.get_any_name() for one in model.inputs]
        behind = {names.index(name): convolution for name, convolution in (convolutions or {}).items()}
        return _Compiled(model, self.halves, self._heads, behind)


class _Compiled:
    """A network that OpenVINO compiled, with what TensorFlow computes before it.

    Args:
        model: the network.
        halves: what TensorFlow keeps.
        heads: of the model.
        convolutions: by places of the network's inputs, which take what these make of their pictures.
    """

    def __init__(
        self, model: openvino.CompiledModel, halves: Halves, heads: list[str], convolutions: Mapping[int, Convolutions]
    ) -> None:
        self._model = model
        self._halves = halves
        self._convolutions = convolutions
        self._places = halves.places(model)
        outputs = {one.get_any_name().partition(":")[0]: one for one in model.outputs}
        self._outputs = {head: outputs[head] for head in heads}
        self._own = threading.local()

    def __call__(self, tensors: Tensors) -> Answers:
        if not hasattr(self._own, "request"):
            self._own.request = self._model.create_infer_request()
        given = self._halves.encoded(tensors, self._places)
        given |= {place: convolution(given[place]) for place, convolution in self._convolutions.items()}
        results = self._own.request.infer(given, share_inputs=True)
        return {head: results[output] for head, output in self._outputs.items()}

    def prepare(self, tensors: Tensors) -> None:
        self._halves.prepare(tensors)


def _is_light(network: openvino.Model) -> bool:
    """Whether one thread should compute it, as several take longer to be woken: it has no products but with constants.

    A guess; how fast it is with what comes before will be measured.
    """
    for node in network.get_ordered_ops():
        kind = node.get_type_name()
        if kind in _HEAVY:
            return False
        constants = [one.get_source_output().get_node().get_type_name() == "Constant" for one in node.inputs()]
        if kind == "MatMul" and not any(constants):
            return False
    return True
