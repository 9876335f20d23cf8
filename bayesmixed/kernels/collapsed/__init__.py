"""The log-density of Gaussian models, coefficients and effects integrated out."""
