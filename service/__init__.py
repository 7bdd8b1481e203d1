"""How a classifier is served: bundles in, predictions over HTTP out."""
