"""Sparse factors, compiled: what Python calls."""

from bayesmixed.kernels import sparse_factors
from bayesmixed.kernels.bridge import entry_point

eliminate_compiled, factorise_compiled = entry_point(sparse_factors.eliminate), entry_point(sparse_factors.factorise)
solve_forwards_compiled = entry_point(sparse_factors.solve_forwards)
solve_backwards_compiled = entry_point(sparse_factors.solve_backwards)
invert_compiled, read_entries_compiled = entry_point(sparse_factors.invert), entry_point(sparse_factors.read_entries)
multiply_rows_compiled = entry_point(sparse_factors.multiply_rows)
