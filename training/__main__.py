"""`python -m training` is `bifocal-training`."""

from training.cli import main

main()
