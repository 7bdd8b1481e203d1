"""Training beside stock Keras and PyTorch; see `benchmarks.training_peers.__main__`."""
