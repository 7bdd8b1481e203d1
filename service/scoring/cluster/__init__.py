"""Scoring on a Ray cluster: one task reads the manifest, actors with a loaded model each score what it read.

library.py     Ray, if it is installed
connection.py  a cluster, joined or started here
room.py        how many actors there are, and how many CPUs each has
chunks.py      rows in portions, and what became of them, as bytes
actor.py       a model on a node
scorer.py      all of it together, in the place of the local scorer
"""
