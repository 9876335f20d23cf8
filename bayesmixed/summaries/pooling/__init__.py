"""Shrinkage: what the groups of a factor learn from each other."""
