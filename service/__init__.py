"""How a classifier is served: bundles in, predictions over HTTP out."""

import model  # noqa: F401  (says how TensorFlow is to compute, before a module here imports that)
