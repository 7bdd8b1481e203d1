"""What a classifier is: spec, layers, export and bundle.

Importing this package does not import TensorFlow; `model.build` and its neighbours do.
"""
