"""Marginal likelihoods of models whose effects are not normal given the data, in compiled code."""
