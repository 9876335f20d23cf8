"""A table checked against a spec, before anything is fitted."""
