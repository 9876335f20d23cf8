"""Random rows with large SDs and counts, whose integrals over effects are also found by adaptive quadrature in each direction."""

from dataclasses import dataclass

import numpy as np
from scipy import integrate, optimize, special

from bayesmixed.integration.layers import Layer, Source


@dataclass
class SharpDesign:
    """Rows of one set with effects of their own or in common, given SDs."""

    family: str
    y: np.ndarray
    trials: np.ndarray
    eta: np.ndarray
    loadings: np.ndarray
    inner: np.ndarray | None

    @property
    def etas(self):
        return {"mu": self.eta[None]}

    @property
    def layers(self):
        whole = np.zeros(len(self.y), dtype=np.intp)
        if self.inner is None:
            return [Layer(whole, (Source("mu", self.loadings[None]),), ("g",))]
        columns = [Source("mu", self.loadings[None, :, [k]]) for k in range(2)]
        return [Layer(whole, (columns[0],), ("g",)), Layer(self.inner, (columns[1],), ("h",))]

    def rows(self, etas):
        eta = np.clip(etas["mu"], -600.0, 600.0)
        if self.family == "poisson":
            return self.y * eta - np.exp(eta)
        return self.y * eta - self.trials * np.logaddexp(0.0, eta)


def random_design(generator, effects=None):
    """Return a design with SDs between .001 and 50, counts up to a million, one or two effects, nested or of one level."""
    count, width = int(generator.integers(1, 7)), effects or int(generator.integers(1, 3))
    sds = np.exp(generator.uniform(np.log(1e-3), np.log(50.0), width))
    inner = None
    columns = generator.normal(size=(count, width))
    columns[:, 0] = 1.0
    if width == 2 and generator.random() < 0.5:
        inner = np.unique(np.sort(generator.integers(0, 3, count)), return_inverse=True)[1].astype(np.intp)
        columns[:, 1] = 1.0
    eta, loadings = generator.normal(0.0, 2.0, count), columns * sds
    moved = eta + loadings[:, 0] * generator.normal()
    if width == 2:
        moved = moved + loadings[:, 1] * generator.normal(size=3)[np.zeros(count, int) if inner is None else inner]
    family = str(generator.choice(["poisson", "binomial"]))
    trials = generator.choice([1.0, 5.0, 1e6], count)
    if family == "poisson":
        y = generator.poisson(np.exp(np.clip(moved, -30.0, np.log(1e6)))).astype(float)
    else:
        y = generator.binomial(trials.astype(int), special.expit(moved)).astype(float)
    return SharpDesign(family, y, trials, eta, loadings, inner)


def exact(design):
    """Return log E exp(sum of rows) by adaptive quadrature, one direction inside the other."""
    if design.loadings.shape[1] == 1:
        return _integral(lambda z: design.rows({"mu": design.eta + design.loadings[:, 0] * z}).sum(), 20_000.0)
    inner = np.zeros(len(design.y), dtype=int) if design.inner is None else design.inner

    def outer(z):
        eta = design.eta + design.loadings[:, 0] * z
        total = 0.0
        for own in (inner == j for j in range(inner.max() + 1)):
            one = SharpDesign(design.family, design.y[own], design.trials[own], eta[own], design.loadings[own], None)
            total += _integral(lambda x, one=one: one.rows({"mu": one.eta + one.loadings[:, 1] * x}).sum())
        return total

    return _integral(outer)


def _integral(logs, reach=60.0):
    """Return the logarithm of the integral of exp(logs) over the standard normal law."""

    def whole(z):
        return logs(z) - 0.5 * z * z

    mode = optimize.minimize_scalar(
        lambda z: -whole(z), bounds=(-reach, reach), method="bounded", options={"xatol": 1e-10}
    ).x
    highest, ends = whole(mode), []
    for sign in (-1.0, 1.0):
        distance = 1e-7
        while whole(mode + sign * distance) > highest - 30.0:
            distance *= 1.3
        ends.append(mode + sign * distance)
    places = [mode + share * (end - mode) for end in ends for share in (0.001, 0.01, 0.1, 0.5, 0.9, 0.99)]
    found = integrate.quad(lambda z: np.exp(whole(z) - highest), *ends, points=[mode, *places], limit=400, epsrel=1e-7)
    return highest + np.log(found[0]) - 0.5 * np.log(2.0 * np.pi)
