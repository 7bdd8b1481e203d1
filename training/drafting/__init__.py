"""A first recipe for a manifest: what each column seems to be, and why."""
