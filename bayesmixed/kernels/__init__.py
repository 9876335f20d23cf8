"""Compiled log-densities of the whole model class: numba functions that nutpie calls without Python."""
