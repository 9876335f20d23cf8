"""Designs without the notes on their priors, for tests that are not about priors."""

import warnings

import bayesmixed as bm


def quietly(formula, data, **options):
    """Return a design, its notes unsaid."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", bm.StatisticsWarning)
        return bm.prepare(formula, data, **options)
