"""Ways to decode a JPEG to a size, each library a program of its own; see `benchmarks.decode`."""
