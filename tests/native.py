"""The mark of tests that need the native code."""

from __future__ import annotations

import pytest

from model.native.library import is_supported

needs_native = pytest.mark.skipif(not is_supported(), reason="the native code was not built, or not for this CPU")
