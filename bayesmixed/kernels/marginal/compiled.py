"""The marginal density compiled: what Python calls."""

from bayesmixed.kernels.bridge import entry_point
from bayesmixed.kernels.marginal import density, frozen_models

laplace, estimate = entry_point(density.laplace), entry_point(density.estimate)
draw_levels, draw_row_effects = entry_point(density.draw_levels), entry_point(density.draw_row_effects)
freeze = entry_point(frozen_models.freeze)
