"""How TensorFlow runs the graphs that a thread calls.

The public switch, `tf.config.optimizer.set_experimental_options`, is one for all threads but those that called a graph
before, and lasts with a thread that first calls one while it is set.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tensorflow.core.protobuf.config_pb2 import ConfigProto
from tensorflow.core.protobuf.rewriter_config_pb2 import RewriterConfig
from tensorflow.python.eager import context


@contextmanager
def called_with(options: context.FunctionCallOptions) -> Iterator[None]:
    """Graphs that this thread calls within are run with these options."""
    eager = context.context()
    before = eager.function_call_options
    eager.function_call_options = options
    try:
        yield
    finally:
        eager.function_call_options = before


def as_written() -> context.FunctionCallOptions:
    """Not optimized: for what is called a few times, as optimizing an explanation takes longer than calling it then."""
    config = _config()
    config.graph_options.rewrite_options.disable_meta_optimizer = True
    return _options(config)


def in_bfloat16(on: bool = True) -> context.FunctionCallOptions:
    """Convolutions and matrix products in bfloat16, by oneDNN, where the optimizer finds that harmless; or not."""
    config = _config()
    config.graph_options.rewrite_options.auto_mixed_precision_onednn_bfloat16 = (
        RewriterConfig.ON if on else RewriterConfig.OFF
    )
    return _options(config)


def _config() -> ConfigProto:
    """A copy of what this thread's graphs are run with."""
    return ConfigProto.FromString(context.context().function_call_options.config_proto_serialized)


def _options(config: ConfigProto) -> context.FunctionCallOptions:
    return context.FunctionCallOptions(context.context().function_call_options.executor_type, config)
