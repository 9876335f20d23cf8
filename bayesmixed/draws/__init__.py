"""Draws of a posterior: the tree that holds them, which are kept, and what rows are expected to be in each."""
