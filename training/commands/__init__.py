"""The commands of `bifocal-training`, a file each. They import what they need when they run: help comes at once."""
