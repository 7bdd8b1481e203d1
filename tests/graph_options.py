"""What this thread's graphs are run with."""

from __future__ import annotations

from tensorflow.core.protobuf.config_pb2 import ConfigProto
from tensorflow.core.protobuf.rewriter_config_pb2 import RewriterConfig
from tensorflow.python.eager import context


def rewriting() -> RewriterConfig:
    """Settings of the graph optimizer."""
    config = ConfigProto.FromString(context.context().function_call_options.config_proto_serialized)
    return config.graph_options.rewrite_options


def in_bfloat16() -> bool:
    """Whether convolutions and matrix products are."""
    return bool(rewriting().auto_mixed_precision_onednn_bfloat16 == RewriterConfig.ON)


def is_optimized() -> bool:
    """Whether graphs are."""
    return not rewriting().disable_meta_optimizer
