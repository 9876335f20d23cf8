"""Derivatives of rows, compiled: what Python calls."""

from bayesmixed.kernels.bridge import entry_point
from bayesmixed.kernels.rows.derivatives import fill_derivatives

fill_derivatives_compiled = entry_point(fill_derivatives)
