"""The density of the engine "collapsed" as a target of independence sampling: known exactly, nothing is kept with a point."""

import ctypes
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from bayesmixed.engines.independence import NowhereFinite, Outcome, sample_independently
from bayesmixed.engines.outer_scales import find_scales
from bayesmixed.engines.proposals import Scales
from bayesmixed.engines.sd_coordinates import find_mode
from bayesmixed.engines.settings import Settings
from bayesmixed.families.links import Array
from bayesmixed.kernels.collapsed.layouts import Collapsed
from bayesmixed.kernels.packing import Packed
from bayesmixed.progress import ProgressLine


@dataclass(frozen=True, slots=True)
class ExactDensity:
    """The collapsed density over log-SDs, correlations and log sigma."""

    packed: Packed
    scales: Scales
    kept: ClassVar[int] = 0

    def evaluate(self, points: Array, stream: np.random.Generator) -> tuple[Array, Array]:
        """Return log-densities (S,), and nothing that is kept, (S, 0)."""
        from bayesmixed.kernels.collapsed.compiled import collapsed_function

        signature = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_uint64, *[ctypes.c_void_p] * 4)
        function, record = signature(collapsed_function().address), self.packed.record.ctypes.data
        points = np.ascontiguousarray(points, dtype=float)
        logs, slopes, size = np.full(len(points), -np.inf), np.empty(points.shape[1]), points.shape[1]
        for point, value in zip(points, logs.reshape(-1, 1), strict=True):
            function(size, point.ctypes.data, slopes.ctypes.data, value.ctypes.data, record)
        return np.where(np.isfinite(logs), logs, -np.inf), np.empty((len(points), 0))


def sample_exactly(collapsed: Collapsed, settings: Settings, progress: bool) -> tuple[Outcome | None, str | None]:
    """Return chains by independence sampling, and why they are not to be used; no chains where there is no density."""
    target = ExactDensity(collapsed.packed, find_scales(collapsed.full, collapsed.kept))
    try:
        with ProgressLine("sampling", progress) as line:
            found = sample_independently(target, *find_mode(collapsed), settings, line.show)
    except NowhereFinite:
        return None, "the density is finite at none of its first points"
    return found, found.refusal if found.complete else None
