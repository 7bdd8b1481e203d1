"""Tables of examples on disk: CSV, TSV, JSON Lines, Parquet and folders of pictures, read row after row."""
