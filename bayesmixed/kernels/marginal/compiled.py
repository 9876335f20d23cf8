"""The marginal density compiled: what Python calls."""

from bayesmixed.kernels.bridge import entry_point
from bayesmixed.kernels.marginal import density, frozen_models

laplace, estimate, draw_levels = map(entry_point, (density.laplace, density.estimate, density.draw_levels))
freeze = entry_point(frozen_models.freeze)
