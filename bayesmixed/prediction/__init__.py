"""Predictions for rows, old and new, and data again from a fit or from the priors."""
