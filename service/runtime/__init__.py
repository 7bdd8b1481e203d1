"""The only part of the service that knows TensorFlow: a bundle loaded, checked and called.

runtime -> saved_model, openvino_network -> quantization (the backends there are), calibration
runtime -> lean_import (TensorFlow without what serving has no use for)
runtime -> chooser -> choice (which is the fastest), agreement (which may be used), memory (what was chosen before)
"""

from service.runtime.chooser import Chooser
from service.runtime.memory import Memory
from service.runtime.runtime import Runtime, prepare

__all__ = ["Chooser", "Memory", "Runtime", "prepare"]
