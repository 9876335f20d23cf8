"""The density of Gaussian models with many effects beside the largest factor, estimated without a factor for each point."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from bayesmixed.engines.exact_densities import ExactDensity
from bayesmixed.engines.independence import NowhereFinite, Outcome, sample_independently
from bayesmixed.engines.normal_models import NormalModel, Roots, apply_blocks, eliminate, read_roots, solve_levels
from bayesmixed.engines.outer_scales import find_scales
from bayesmixed.engines.proposals import Scales
from bayesmixed.engines.sd_coordinates import find_mode
from bayesmixed.engines.settings import Settings
from bayesmixed.engines.shared_factors import Shared
from bayesmixed.families.links import Array
from bayesmixed.kernels.collapsed.cross_products import split_groups
from bayesmixed.kernels.collapsed.exact_draws import place_effects
from bayesmixed.kernels.collapsed.layouts import Collapsed
from bayesmixed.kernels.packing import Block, Packed, close
from bayesmixed.progress import ProgressLine

_BATCH = 50
"""Draws at once: independent of the number of cores, so that draws are."""


@dataclass(frozen=True, slots=True)
class EstimatedDensity:
    """The collapsed density over log-SDs, correlations and log sigma, by importance sampling of the border.

    Effects of the eliminated factor are integrated out exactly given the border.
    """

    collapsed: Collapsed
    priors: ExactDensity
    shared: Shared
    squares: float
    count: float
    constant: float

    @property
    def scales(self) -> Scales:
        """Those of the coordinates."""
        return self.priors.scales

    @property
    def kept(self) -> int:
        """The border is kept of each estimate."""
        return len(self.shared.model.rest_sums)

    @np.errstate(all="ignore")
    def evaluate(self, points: Array, stream: np.random.Generator) -> tuple[Array, Array]:
        """Return logarithms of estimates, (S,), and the borders that they were made of, (S, r)."""
        logs, borders = self.priors.evaluate(points, stream)[0], np.empty((len(points), self.kept))
        roots, model = self.roots(points), self.shared.model
        for start in range(0, len(points), model.step):
            part = slice(start, start + model.step)
            own, noise = roots.part(part), stream.standard_normal(borders[part].shape)
            levels = eliminate(model, own)
            borders[part], densities = self.shared.draw(own, levels, noise)
            plain = self.shared.plain(own, borders[part])
            left = model.level_sums.reshape(-1, 1) - model.cross @ plain
            quadratic = self.squares - 2.0 * model.rest_sums @ plain + np.sum(plain * (model.rest @ plain), axis=0)
            quadratic -= own.weight * np.sum(left * apply_blocks(levels.left, left), axis=0)
            logs[part] += self.constant - levels.half_log_determinants - 0.5 * own.weight * quadratic
            logs[part] -= 0.5 * self.count * np.log(2.0 * np.pi / own.weight) + densities
            logs[part] -= 0.5 * np.sum((borders[part] - model.means) ** 2, axis=1)
        return np.where(np.isfinite(logs), logs - 0.5 * self.kept * np.log(2.0 * np.pi), -np.inf), borders

    def draw_levels(self, points: Array, borders: Array, stream: np.random.Generator) -> Array:
        """Return draws of the standardised effects of the levels, (S, J K), given points and borders."""
        model, roots = self.shared.model, self.roots(points)
        found = np.empty((len(points), *model.level_sums.shape))
        for start in range(0, len(points), model.step):
            part = slice(start, start + model.step)
            own, noise = roots.part(part), stream.standard_normal(found[part].shape)
            plain = self.shared.plain(own, borders[part])
            found[part] = solve_levels(model, own, eliminate(model, own), plain, noise)
        return found.reshape(len(points), -1)

    def roots(self, points: Array) -> Roots:
        """Return what a normal model reads of points of the density."""
        return _read_roots(self.collapsed, points)


def normal_model(collapsed: Collapsed) -> NormalModel:
    """Return the cross-products of a collapsed density."""
    from scipy import sparse

    data = collapsed.packed.data
    model, first = data.model[0], data.terms[0]
    levels, width, size = int(first["levels"]), int(first["columns"]), int(model["rest"])

    def read(name: str, *shape: int) -> Array:
        return np.asarray(data.numbers[model[name] :][: int(np.prod(shape))].reshape(shape))

    entries = int(model["entries"])
    pointers = data.integers[model["pointers"] :][: levels + 1]
    columns = data.integers[model["columns"] :][:entries]
    cross = sparse.bsr_array((read("cross", entries, width, 1), columns, pointers), shape=(levels * width, size))
    return NormalModel(
        read("blocks", levels, width, width),
        read("level_sums", levels, width),
        cross.tocsr(),
        sparse.csr_array(read("rest_matrix", size, size)),
        read("rest_sums", size),
        read("means", size),
        tuple((len(group.levels), group.width) for group in split_groups(collapsed.groups)[1]),
    )


def estimate_density(collapsed: Collapsed, mode: Array) -> EstimatedDensity:
    """Return the estimated density of a collapsed one, best near a point."""
    shared = Shared(normal_model(collapsed), _read_roots(collapsed, mode[None]))
    model = collapsed.packed.data.model[0]
    priors = ExactDensity(_without_rows(collapsed), find_scales(collapsed.full, collapsed.kept))
    numbers = (float(model[name]) for name in ("squares", "count", "constant"))
    return EstimatedDensity(collapsed, priors, shared, *numbers)


def _read_roots(collapsed: Collapsed, points: Array) -> Roots:
    reduced = collapsed.full.among(collapsed.kept)
    (sigma,) = reduced.scalars.values()
    return read_roots(reduced, *split_groups(collapsed.groups), points, sigma.read(points)[:, 0] ** -2.0)


def sample_estimates(
    collapsed: Collapsed, settings: Settings, progress: bool
) -> tuple[Outcome | None, Array | None, str | None]:
    """Return chains by independence sampling, their draws of all coordinates of the full layout, (chain, draw, .), and why
    they are not to be used; no chains where there is no density."""
    mode, covariance = find_mode(collapsed)
    target = estimate_density(collapsed, mode)
    try:
        with ProgressLine("sampling", progress) as line:
            found = sample_independently(target, mode, covariance, settings, line.show)
    except NowhereFinite:
        return None, None, "the density is finite at none of its first points"
    if found.complete and found.refusal:
        return found, None, found.refusal
    return found, _draw_all(collapsed, target, found, settings), None


def _draw_all(collapsed: Collapsed, target: EstimatedDensity, found: Outcome, settings: Settings) -> Array:
    shape = found.points.shape[:2]
    points, borders = found.points.reshape(-1, found.points.shape[-1]), found.kept.reshape(-1, target.kept)
    full = np.zeros((len(points), collapsed.full.dimension))
    full[:, collapsed.kept] = points
    starts = range(0, len(points), _BATCH)
    streams = np.random.default_rng([settings.seed, 3]).spawn(len(starts))

    def fill(start: int, stream: np.random.Generator) -> None:
        part = slice(start, start + _BATCH)
        levels = target.draw_levels(points[part], borders[part], stream)
        place_effects(collapsed, np.hstack([levels, borders[part]]), full[part])

    with ThreadPoolExecutor(settings.cores) as pool:
        list(pool.map(fill, starts, streams))
    return full.reshape(*shape, -1)


def _without_rows(collapsed: Collapsed) -> Packed:
    """Return packed data whose density is that of the priors alone."""
    data, block = collapsed.packed.data, Block()
    block.add_numbers(data.numbers)
    block.add_integers(data.integers)
    model, terms = data.model.copy(), data.terms.copy()
    for name in ("rest", "entries", "classes", "squares", "count", "constant"):
        model[name] = 0
    terms["levels"] = 0
    return close(block, model, data.parameters, terms, data.priors)
