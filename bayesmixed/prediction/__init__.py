"""Predictions for rows, old and new, and data drawn from a fit or from the priors."""
