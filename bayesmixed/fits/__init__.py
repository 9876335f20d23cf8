"""Fits: made, kept on disk, made again, and judged for convergence."""
