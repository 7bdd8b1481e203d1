"""How a classifier is made: from a manifest to a run folder and a published bundle."""

import model  # noqa: F401  (says how TensorFlow is to compute, before a module here imports that)
