"""The native code, where it was built and the CPU can run it."""

from __future__ import annotations

import ctypes
from functools import cache
from importlib.util import find_spec
from typing import Any

_NATIVE = "model.native._library"  # as pyproject.toml names it; not to be imported, but loaded
_INTERFACE = 2  # as native.cpp has it


class NativeCodeError(Exception):
    """The native code can't be used; says why.

    Args:
        reason: of which it is the end of a sentence.
        is_broken: whether there is something that can't be opened, and not merely nothing.
    """

    def __init__(self, reason: str, *, is_broken: bool = False) -> None:
        super().__init__(reason)
        self.is_broken = is_broken


class Layer(ctypes.Structure):
    """As layer.h has it."""

    _fields_ = [
        *((name, ctypes.c_int32) for name in ("height", "width", "channels", "filters", "size")),
        *((name, ctypes.c_int32) for name in ("is_winograd", "is_pooled", "is_rectified")),
        *((name, ctypes.c_void_p) for name in ("weights", "scale", "shift")),
    ]


class Batch(ctypes.Structure):
    """As convolver.h has it."""

    _fields_ = [(name, ctypes.c_int32) for name in ("pictures", "height", "width", "channels", "filters", "size")]


def is_supported() -> bool:
    """Whether the native code can be used."""
    return not isinstance(_found(), NativeCodeError)


def may_be_slower() -> bool:
    """Whether the CPU has wider units, which other libraries use and the native code does not.

    Raises:
        NativeCodeError: if it can't be used at all.
    """
    return bool(library().bifocal_may_be_slower())


def library() -> Any:
    """The native functions.

    Raises:
        NativeCodeError: if it was not built, can't be opened, or does not run on this CPU.
    """
    found = _found()
    if isinstance(found, NativeCodeError):
        raise found
    return found


@cache
def _found() -> Any:
    """What was opened, or why it can't be used."""
    try:
        return _opened()
    except NativeCodeError as error:
        return error


def _opened() -> Any:
    found = find_spec(_NATIVE)
    if found is None or found.origin is None:
        raise NativeCodeError(
            "its native code is missing (it is built when Bifocal is installed, if there is a C++ compiler)"
        )
    try:
        opened = ctypes.CDLL(found.origin)
        interface = opened.bifocal_interface()
    except (OSError, AttributeError) as error:  # of another system, cut off, or of other sources
        raise NativeCodeError(f"its native code can't be opened: {error}", is_broken=True) from error
    if interface != _INTERFACE:
        raise NativeCodeError(
            f"its native code was built from other sources ({interface}, not {_INTERFACE}); install Bifocal again",
            is_broken=True,
        )
    if not opened.bifocal_is_supported():
        raise NativeCodeError("it needs a CPU with AVX2 and FMA")
    layers, batch, pointer = ctypes.POINTER(Layer), ctypes.POINTER(Batch), ctypes.c_void_p
    for name, result, arguments in (
        ("may_be_slower", ctypes.c_int, []),
        ("chain_new", pointer, [layers, ctypes.c_int32, pointer, pointer, ctypes.c_int32]),
        ("chain_run", None, [pointer, pointer, ctypes.c_int64, pointer]),
        ("chain_delete", None, [pointer]),
        ("convolver_new", pointer, [ctypes.c_int32]),
        ("convolve", ctypes.c_int, [pointer, batch, pointer, pointer, ctypes.c_int32, pointer]),
        ("kernel_gradient", ctypes.c_int, [pointer, batch, pointer, pointer, pointer]),
    ):
        function = getattr(opened, f"bifocal_{name}")
        function.restype, function.argtypes = result, arguments
    return opened
