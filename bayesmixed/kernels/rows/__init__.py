"""Rows of families: log-likelihood of one observation, compiled, with its derivatives."""
