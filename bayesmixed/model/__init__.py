"""The PyMC model of a design."""
