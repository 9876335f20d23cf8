"""Gaussian models, their marginal density as dense linear algebra, and a check worked out by hand."""

import warnings

import numpy as np
import pytest
from conftest import CHECKS
from scipy import linalg, stats

import bayesmixed as bm
from bayesmixed.kernels.collapsed.compiled import evaluate
from bayesmixed.kernels.collapsed.layouts import Collapsed
from bayesmixed.kernels.joint.decoding import correlation_factor


def table(rows=48):
    """Return a small data set with nested and crossed factors."""
    generator = np.random.default_rng(7)
    i = np.arange(rows)
    return {
        "y": 20 + 3 * generator.normal(size=rows) + i % 6,
        "x": generator.normal(size=rows) + 1.0,
        "w": generator.normal(size=rows),
        "o": generator.normal(size=rows),
        "g": np.array(list("abcdef"))[i % 6],
        "other": np.array(list("bcdefg"))[i * 5 // 3 % 6],
        "u": 1.0 + i % 3,
        "v": 0.5 + i % 2,
        "h": np.array([f"h{k}" for k in range(5)])[generator.integers(0, 5, rows)],
        "inner": np.array([f"i{k}" for k in range(12)])[i % 12],
    }


MODELS = {
    "no group": ("y ~ x + w", {}),
    "single": ("y ~ x + (1 | g)", {}),
    "offset": ("y ~ x + offset(o) + (1 | g)", {}),
    "no population": ("y ~ 0 + (1 | g)", {}),
    "correlated": ("y ~ x + (x | g)", {}),
    "three correlated": ("y ~ x + (x + w | g)", {"corr_g": "LKJ(3)"}),
    "two parts": ("y ~ x + (x | g) + (0 + w | g)", {}),
    "uncorrelated": ("y ~ x + (x || g)", {}),
    "nested": ("y ~ x + (1 | g/inner)", {}),
    "crossed": ("y ~ x + (1 | g) + (1 | h)", {}),
    "crossed slopes": ("y ~ x + (x | inner) + (w | h)", {}),
    "three factors": ("y ~ 1 + (1 | inner) + (x + w | h) + (0 + x | g)", {}),
    "smooth": ("y ~ s(x, k=7)", {"beta[s(x)[linear]]": "Normal(0, 1)"}),
    "smooth and group": ("y ~ s(x, k=7, bs='cr') + s(w, k=5, bs='cc') + (x | g)", {}),
    "smooth by factor": ("y ~ g + s(x, by=g, k=5, bs='ps') + s(w, by=o, k=4) + (1 | h)", {"sd_s(w):o": 0.4}),
    "several levels": ("y ~ x + (x | mm(g, other, weights=[u, v])) + (1 | h)", {}),
    "fixed coefficient": ("y ~ x + w + (1 | g)", {"beta[x]": 0.7}),
    "all coefficients fixed": ("y ~ x + (1 | g)", {"beta[x]": 0.7, "beta[Intercept]": 18}),
    "user priors": ("y ~ x + (x | g)", {"beta[Intercept]": "Normal(2, 30)", "sd_g": "Gamma(2, 1)", "sigma": "LogNormal(0, 1)"}),
    "fixed sd": ("y ~ x + (x | g)", {"sd_g[x]": 0.8}),
    "fixed sigma": ("y ~ x + (1 | g)", {"sigma": 2.0}),
    "nearly collinear": ("y ~ x + I(x + 0.0001 * w) + (1 | g)", {}),
}  # fmt: skip
each_model = pytest.mark.parametrize("name", MODELS)


def prepared(formula, data, priors=None):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", bm.StatisticsWarning)
        return bm.prepare(bm.from_formula(formula, priors=priors or {}), data)


def density(collapsed: Collapsed, x):
    return evaluate(collapsed.packed, np.asarray(x, dtype=float))


def dense_model(collapsed: Collapsed, x):
    """Return sigma, and columns, prior mean and covariance of coefficients and effects at the centre, all dense."""
    design = collapsed.full.design
    full = np.zeros(collapsed.full.dimension)
    full[collapsed.kept] = x
    one = collapsed.full.predictors["mu"]
    priors = design.coefficient_priors(design.mu)
    mean = [prior.arguments[0] for prior in priors]
    variance = [0.0 if prior.name == "Fixed" else prior.arguments[1] ** 2 for prior in priors]
    columns, covariances = [design.mu.centred_matrix], [np.diag(variance)]
    terms = {term.placement.group.name: term for term in one.terms}
    for group in design.mu.normal_blocks:
        term = terms[group.name]
        sd = term.sd.read(full)
        root = sd[:, None] * correlation_factor(full[None], group, term.partials)[0]
        z = np.zeros((design.rows, len(group.levels), len(sd)))
        rows = np.arange(design.rows)
        if group.takes == "all":
            z[rows, :, group.index] = group.matrix
        elif group.takes == "several":
            for levels, shares in zip(group.members.T, group.shares.T, strict=True):
                z[rows, levels] += shares[:, None] * group.centred_matrix
        else:
            z[rows, group.index] = group.centred_matrix
        columns.append(z.reshape(design.rows, -1))
        covariances += [root @ root.T] * len(group.levels)
    w = np.hstack(columns)
    mean = np.concatenate([mean, np.zeros(w.shape[1] - len(mean))])
    sigma = collapsed.full.scalars["sigma"].read(full)[0]
    return sigma, w, mean, linalg.block_diag(*covariances)


def log_priors(collapsed: Collapsed, x):
    """Return the log-density of the priors on the coordinates of the collapsed density."""
    design, total = collapsed.full.design, 0.0
    full = np.zeros(collapsed.full.dimension)
    full[collapsed.kept] = x
    for term in collapsed.full.predictors["mu"].terms:
        group = term.placement.group
        for slot, key in zip(term.sd.places, design.mu.sd_keys(group), strict=True):
            if slot >= 0:
                total += design.priors[key].prior.frozen().logpdf(np.exp(full[slot])) + full[slot]
        for part, place in zip([p for p in group.parts if p.correlated], term.partials, strict=True):
            eta, width = design.priors[f"corr_{group.name}"].prior.arguments[0], len(part.columns)
            depths = [j for i in range(1, width) for j in range(i)]
            for slot, depth in zip(place.places, depths, strict=True):
                u, shape = 1 / (1 + np.exp(-full[slot])), eta + (width - 2 - depth) / 2
                total += stats.beta(shape, shape).logpdf(u) + np.log(u * (1 - u))
    slot = collapsed.full.scalars["sigma"].places[0]
    return total + (design.priors["sigma"].prior.frozen().logpdf(np.exp(full[slot])) + full[slot] if slot >= 0 else 0.0)


def sharp_check():
    inputs, given = CHECKS["G1"]["inputs"], CHECKS["G2"]["inputs"]
    data = {"y": inputs["y"], "group": inputs["group"]}
    priors = {"beta[Intercept]": "Normal(2, 1.5)", "sd_group": given["sd_group"], "sigma": given["sigma"]}
    return data, priors, CHECKS["G2"]["expected"]
