"""Rows with the effects of their smallest sets integrated out by compiled quadrature, as functions of their predictors."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from bayesmixed.cross_validation.left_out_units import LeftOutUnits
from bayesmixed.design.design import Design
from bayesmixed.design.row_likelihoods import RowLikelihood
from bayesmixed.engines.marginal_estimates import line_rule, rule
from bayesmixed.engines.marginal_layout import number_kinds
from bayesmixed.families.links import Array
from bayesmixed.gauss_hermite import ADAPTIVE_NODES, SURER_NODES, check_ratios
from bayesmixed.integration.layers import Layer
from bayesmixed.integration.nested_quadrature import LOST, NOWHERE, SURE, Etas, RowLogs, doubt_of
from bayesmixed.kernels.rows.families import BINOMIAL, FAMILY_CODES, GAMMA, NEGBIN, POISSON
from bayesmixed.kernels.rows.links import LINK_CODES

WORK = 30_000_000
"""Draws times rows times nodes, 3 seconds, from which on compiled code is worth the time that compiling it may take."""
_FEWEST, _LESS_SURE = 9, 0.1
"""Nodes for one effect, if they leave at most this share of sets in doubt; else they are as many as usual."""
_OWN_NODES = {1.0: 11, 2.0: 31}
"""Nodes for effects of rows whose SDs are at most so large, with an error of 1e-5; larger ones are integrated as sets."""
_TRIED = 2
"""Draws at which the nodes are chosen."""
_FARTHEST = 30.0
"""Predictors beyond which log-densities are not used to find constants."""


def integrate_smallest(
    units_out: LeftOutUnits, likelihood: RowLikelihood, draws: int
) -> tuple[RowLogs, tuple[Layer, ...]] | None:
    """Return rows whose smallest sets have their effects integrated out, and the layers that remain.

    The log-density of a set is that of its first row; the others have 0. None where compiled rows do not cover the
    model, or `draws` of it are too little work to compile them.
    """
    layers = units_out.layers
    if not layers or not _covers(units_out.design):
        return None
    nodes = np.prod([float(ADAPTIVE_NODES[layer.width]) ** layer.width for layer in layers])
    mu = units_out.design.mu.parameter
    entered = {name for layer in layers for source in layer.sources for name in source.by_parameter}
    if draws * len(units_out.rows) * nodes < WORK or entered != {mu}:
        return None
    *outer, layer = layers
    own = np.zeros(len(units_out.etas[mu]))
    if outer and len(layer.sources) == layer.width == 1 and layer.index.max() + 1 == len(layer.index):
        loadings = layer.sources[0].loadings[:, :, 0]
        if not np.any(loadings != loadings[:, :1]) and np.max(np.abs(loadings)) <= max(_OWN_NODES):
            own, layer = np.abs(loadings[:, 0]), outer.pop()
    return IntegratedRows(units_out, likelihood, layer, own), tuple(outer)


def _covers(design: Design) -> bool:
    """Return whether the rows of a design are compiled ones that are concave in the predictor, with one further parameter."""
    family = design.family
    return (
        design.residual is None
        and design.response is not None
        and np.ndim(design.response) == 1
        and isinstance(design.spec.family, str)
        and not (family.limited or family.cuts)
        and FAMILY_CODES.get(family.name) in (BINOMIAL, GAMMA, NEGBIN, POISSON)
        and design.mu.link.name in family.concave_links
    )


def as_rows(**given: Any) -> Any:
    """Return rows as the marginal density reads them, without what belongs to a border."""
    from bayesmixed.kernels.marginal.rows import Rows

    nowhere, number = np.zeros(0, dtype=np.int64), len(given["response"])
    fields: dict[str, Any] = dict.fromkeys(("border", "thresholds", "first_cut"), 0)
    fields |= dict.fromkeys(("cut", "starts", "places", "slots", "level_pointers", "level_columns"), nowhere)
    fields |= dict.fromkeys(("offset", "shift", "loadings"), np.zeros(0))
    fields |= {"distinct": np.zeros((3, 0)), "columns": np.zeros((0, 0)), "own": np.ones((number, 1))}
    return Rows(constant=0.0, value=0.0, steps=False, **fields, **given)


def compile_integrals() -> None:
    """Compile what `IntegratedRows` calls, or take it from the cache."""
    from bayesmixed.cross_validation.set_integrals import integrate_plain_sets_compiled, integrate_sets_compiled

    no_places, none = np.zeros(0, dtype=np.int64), np.zeros(0)
    rows = as_rows(
        layered=False,
        plain=True,
        kinds=no_places,
        examples=no_places,
        family=POISSON,
        link=LINK_CODES["log"],
        response=none,
        trials=none,
        weights=none,
        scalar=-1,
        pointers=np.zeros(2, dtype=np.int64),
    )
    table, sets = np.zeros((0, 0)), np.zeros((0, 0, 1))
    given = table, table, sets, none, none, table, rules_of(5, 1), line_rule(5), sets, table, table
    for integrate in (integrate_sets_compiled, integrate_plain_sets_compiled):
        integrate(rows, *given)


class IntegratedRows:
    """Log-densities of rows as a function of their predictors, the effects of the sets of a layer integrated out.

    Parameters
    ----------
    layer : Layer
        The sets whose effects are integrated out.
    own : (S,) array
        SD of an effect of each row, which is integrated out within the row; 0: there is none.
    """

    def __init__(self, units_out: LeftOutUnits, likelihood: RowLikelihood, layer: Layer, own: Array) -> None:
        design, family = units_out.design, units_out.design.family
        self.mu, self.likelihood, self.own = design.mu.parameter, likelihood, own
        self.order = np.argsort(layer.index, kind="stable")
        index = layer.index[self.order]
        self.pointers = np.searchsorted(index, np.arange(int(index.max()) + 2)).astype(np.int64)
        whole = np.concatenate([source.loadings for source in layer.sources], axis=-1)
        self.loadings = np.ascontiguousarray(whole[:, self.order])
        self.shape = (len(whole), len(self.pointers) - 1, whole.shape[-1])
        code, y = FAMILY_CODES[family.name], np.broadcast_to(likelihood.response, self.order.shape)[self.order]
        trials, weights = (
            np.broadcast_to(np.asarray(values, dtype=float), self.order.shape)[self.order]
            for values in (likelihood.trials, likelihood.counts)
        )
        layered = bool(np.any(own > 0.0))
        further = self._further(units_out.etas)
        apart = np.arange(len(y), dtype=float) * np.any(further != further[:, :1])
        kinds, examples = number_kinds(code, y, trials, weights, apart, layered)
        plain = self.shape[2] == 1 and not np.any(self.loadings != self.loadings[:, :1])
        self.rows = as_rows(
            layered=layered,
            plain=plain,
            kinds=kinds,
            examples=examples,
            family=code,
            link=LINK_CODES[design.mu.link.name],
            response=np.log(y) if code == GAMMA else y.astype(float),
            trials=trials.copy(),
            weights=weights.copy(),
            scalar=len(family.parameters) - 2,
            pointers=self.pointers,
        )
        self.base = np.clip(units_out.etas[self.mu].mean(axis=0), -_FARTHEST, _FARTHEST)
        others = {name: eta for name, eta in units_out.etas.items() if name != self.mu}
        known = likelihood.log_density(self.base, others)[..., self.order]
        self.known = np.ascontiguousarray(np.broadcast_to(known, further.shape))
        self.further, self.base = further, self.base[self.order].copy()
        self.modes = np.full(self.shape, np.nan)
        self.modes[0] = 0.0
        self.multiplied = design.mu.link.name in ("log", "logit")
        self.nodes, self.doubts = 0, np.zeros(0)
        self.own_nodes = next(nodes for most, nodes in _OWN_NODES.items() if np.max(own, initial=0.0) <= most)

    def _further(self, etas: Etas) -> Array:
        """Return the further parameter of each row, (S, n), sorted; ones if there is none."""
        family = self.likelihood.family
        etas_of_others = {name: eta for name, eta in etas.items() if name != self.mu}
        shape = etas[self.mu].shape
        if len(family.parameters) == 1:
            return np.ones(shape)
        values = self.likelihood.values(np.zeros(1), etas_of_others)[family.parameters[1].name]
        return np.ascontiguousarray(np.broadcast_to(values, shape)[:, self.order], dtype=float)

    def __call__(self, etas: Etas) -> Array:
        """Return log-densities, (S, n), at predictors, (S, n)."""
        eta = np.ascontiguousarray(etas[self.mu][:, self.order])
        if self.nodes == 0:
            self.nodes = self._choose(eta)
        found, self.doubts = np.zeros(eta.shape), np.zeros(eta.shape)
        sets, changes = self._integrate(eta, slice(None), self.nodes, self.modes)
        first = self.order[self.pointers[:-1]]
        found[:, first] = np.nan_to_num(sets, nan=NOWHERE, neginf=NOWHERE)
        self.doubts[:, first] = np.nan_to_num(doubt_of(changes), nan=LOST)
        return found

    def _choose(self, eta: Array) -> int:
        """Return how many nodes are to be tried first, by how sure they are at some draws."""
        width = self.shape[2]
        if width > 1:
            return ADAPTIVE_NODES[width]
        some = slice(None, None, -(-len(eta) // _TRIED))
        modes = np.zeros((len(eta[some]), *self.shape[1:]))
        _, changes = self._integrate(eta, some, _FEWEST, modes, surer=())
        return _FEWEST if np.mean(changes > SURE) <= _LESS_SURE else ADAPTIVE_NODES[width]

    def _integrate(
        self, eta: Array, some: slice, number: int, modes: Array, surer: Sequence[int] | None = None
    ) -> tuple[Array, Array]:
        from bayesmixed.cross_validation.set_integrals import integrate_plain_sets_compiled, integrate_sets_compiled

        out, changes = np.empty((2, len(modes), self.shape[1]))
        width = self.shape[2]
        rules = rules_of(number, width, SURER_NODES[width] if surer is None else surer)
        draws = [np.ascontiguousarray(values[some]) for values in (eta, self.further, self.loadings, self.own)]
        at_once = self.rows.plain and not self.rows.layered and self.multiplied
        integrate = integrate_plain_sets_compiled if at_once else integrate_sets_compiled
        integrate(
            self.rows,
            *draws,
            self.base,
            self.known[some].copy(),
            rules,
            line_rule(self.own_nodes),
            modes,
            out,
            changes,
        )
        return out, changes


def rules_of(number: int, width: int, surer: Sequence[int] = ()) -> Any:
    """Return rules of a number of nodes in each direction, and of larger ones for sets that are in doubt, as
    `set_integrals.integrate_sets` takes them; without these the first."""
    numbers = (number, *(surer or (number, number)))
    return tuple((*rule(n, width), check_ratios(n, width)) for n in numbers)
