"""The network of a SavedModel in OpenVINO, behind its tokenizers in TensorFlow. An extra: `bifocal[openvino]`."""

from __future__ import annotations

import sys
import threading
from importlib.util import find_spec
from typing import Any

import tensorflow as tf

from model.examples import Tensors
from service.backends import Answers, Backend


def is_installed() -> bool:
    """Whether the extra is there; without importing it."""
    return find_spec("openvino") is not None


def compiled(loaded: Any, heads: list[str], *, bfloat16: bool, calls: int, threads: int) -> Backend:
    """The network compiled for this CPU.

    Args:
        loaded: a SavedModel with the functions `encode` and `classify` of `model.serving.halves`.
        heads: of the model.
        bfloat16: the precision of convolutions and matrix products; float32 if not.
        calls: that are made at once.
        threads: that share the work of one call.
    """
    # With it, converting a model starts a process that tells the vendor's statistics of it. Without it, a stand-in is
    # used that tells nobody.
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
    import openvino

    (encode,), (classify,) = loaded.encode.concrete_functions, loaded.classify.concrete_functions
    names = sorted(classify.structured_input_signature[0][0])  # the order of a function's flat inputs
    options = {
        "PERFORMANCE_HINT": "LATENCY",
        "NUM_STREAMS": calls,
        "INFERENCE_NUM_THREADS": calls * threads,
        "INFERENCE_PRECISION_HINT": "bf16" if bfloat16 else "f32",
        # Decoders, TensorFlow and other models need the same cores.
        "ENABLE_CPU_PINNING": False,
    }
    model = openvino.Core().compile_model(openvino.convert_model(classify), "CPU", options)
    # OpenVINO orders its inputs as it likes, and calls some after the tensor, some after its operation.
    places = {one.get_any_name().partition(":")[0]: place for place, one in enumerate(model.inputs)}
    order = [places[tensor.name.partition(":")[0]] for tensor in classify.inputs[: len(names)]]
    outputs = {one.get_any_name().partition(":")[0]: one for one in model.outputs}
    own = threading.local()

    def answer(tensors: Tensors) -> Answers:
        if not hasattr(own, "request"):
            own.request = model.create_infer_request()
        encoded = encode({name: tf.constant(array) for name, array in tensors.items()})
        given = {
            # Pictures pass through the first half untouched.
            place: tensors[name] if encoded[name].dtype == tf.uint8 else encoded[name].numpy()
            for place, name in zip(order, names, strict=True)
        }
        results = own.request.infer(given, share_inputs=True)
        return {head: results[outputs[head]] for head in heads}

    return answer
