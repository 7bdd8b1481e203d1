"""What a classifier is: spec, layers, export and bundle.

Importing this package does not import TensorFlow; `model.build` and its neighbours do.
"""

import os

from model.kernels import prefer_onednn

# Here, as TensorFlow looks at it when it is imported, and whoever imports a part of this package comes by here first.
prefer_onednn(os.environ)
