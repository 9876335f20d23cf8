"""Derivatives of rows and densities of priors, compiled: what Python calls."""

from bayesmixed.kernels.bridge import entry_point
from bayesmixed.kernels.rows.derivatives import fill_derivatives
from bayesmixed.kernels.rows.priors import kernel

fill_derivatives_compiled = entry_point(fill_derivatives)
kernel_compiled = entry_point(kernel)
