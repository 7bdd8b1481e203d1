"""How a classifier is served: bundles in, predictions over HTTP out."""

import sys

import model  # noqa: F401  (says how TensorFlow is to compute, before a module here imports that)

# With it, OpenVINO starts a process that tells its vendor of each model that it converts. Without it, a stand-in is
# used that tells nobody. Here, before anything imports OpenVINO.
sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
