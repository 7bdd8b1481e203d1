"""What is measured. Each part runs alone (`python -m benchmarks.decode`); all compare within one run, as ratios."""
