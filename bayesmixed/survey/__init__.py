"""A table seen with the eyes of a spec, before anything is fitted."""
