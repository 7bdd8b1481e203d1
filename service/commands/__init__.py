"""The commands of `bifocal-service`, one a file; `local.py` loads a model without a server."""
