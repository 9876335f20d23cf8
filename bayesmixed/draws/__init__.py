"""Draws of a posterior: the tree that holds them, which are kept, and the predictors of rows in each."""
