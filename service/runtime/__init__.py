"""The only part of the service that knows TensorFlow: a bundle loaded, checked and called.

runtime -> saved_model, frozen, openvino (backends) ; runtime -> choice (which of them) -> memory (of earlier choices)
"""

from service.runtime.chooser import Chooser
from service.runtime.memory import Memory
from service.runtime.runtime import Runtime, prepare

__all__ = ["Chooser", "Memory", "Runtime", "prepare"]
