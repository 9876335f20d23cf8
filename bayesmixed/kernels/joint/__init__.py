"""The log-density over all parameters and effects, its coordinates and what they stand for."""
