"""How a classifier is made: from a manifest to a run folder and a published bundle."""
