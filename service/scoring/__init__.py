"""Scoring a manifest: any number of rows through one model, in memory that does not grow, resumable.

manifest.py   a table on disk -> rows, one after the other
columns.py    which column holds which input
remaining.py  the rows that an earlier run has left
reader.py     a row -> an example, or the reason why it can't be scored
stream.py     rows -> scored rows, through the same pipeline as a server's
scorer.py     where that happens: in this process
cluster/      or as actors of Ray Data, on many machines
scored.py     a scored row, and the columns that it has in the result
formats.py    CSV, JSON Lines and Parquet: a part, and all parts as one file
parts.py      what is done so far, kept beside the result
progress.py   how far it is
score.py      all of it together
"""
