"""Independence sampling: chains over a few parameters whose proposals are fitted to a pilot run and then frozen."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from typing import NamedTuple, Protocol

import numpy as np
import xarray as xr
from scipy import special

from bayesmixed.engines.proposal_weights import explain_refusal, judge, largest_weight, pareto_k
from bayesmixed.engines.proposals import Proposal, Scales, first_proposal, fit_proposal
from bayesmixed.engines.runs import TOO_EARLY
from bayesmixed.engines.settings import Settings
from bayesmixed.errors import SamplingError
from bayesmixed.families.links import Array

AT_ONCE = 50
"""Proposals of a block, evaluated between two looks at whether the run was interrupted."""
_WARM_UP, _FEWEST = 25, 50
"""Draws of a chain before the first kept one; points of a pilot at least."""


IGNORED = "target_accept={} means nothing to a sampler without steps"


class NowhereFinite(SamplingError):
    """The density is finite at none of the first points."""


class Target(Protocol):
    """A density of few coordinates that is known, or estimated without bias.

    Attributes
    ----------
    scales : Scales
        Of the d coordinates.
    kept : int
        How many further numbers belong to a point, such as what an estimate was made of.
    """

    @property
    def scales(self) -> Scales: ...

    @property
    def kept(self) -> int: ...

    def evaluate(self, points: Array, stream: np.random.Generator) -> tuple[Array, Array]:
        """Return log-densities (S,), or logarithms of estimates of the density, and what is kept, (S, kept)."""
        ...


class Chain(NamedTuple):
    """One chain: points (n, d), what is kept of them, log-densities, log weights of its proposals, acceptance."""

    points: Array
    kept: Array
    logs: Array
    weights: Array
    acceptance: Array


class End(NamedTuple):
    """The frozen proposal of a chain, and its last state."""

    proposal: Proposal
    state: Chain


@dataclass(frozen=True, slots=True)
class Outcome:
    """Chains by independence sampling.

    Attributes
    ----------
    points, kept : (chain, draw, .) arrays
    statistics : xarray.Dataset
        logp, acceptance and log weight of each draw.
    k, largest, acceptance, evaluations : float, float, float, int
        Of the weights of all proposals Pareto k, and the largest one over their mean; share of the proposals that
        Metropolis-Hastings steps would take; evaluations of the density.
    complete : bool
        Whether all draws that were asked for were made.
    ends : tuple of End
        Where each chain can go on.
    """

    points: Array
    kept: Array
    statistics: xr.Dataset
    k: float
    largest: float
    acceptance: float
    evaluations: int
    complete: bool
    ends: tuple[End, ...]

    @property
    def refusal(self) -> str | None:
        """Why these chains are not to be used, or None."""
        return explain_refusal(self.k, self.largest, self.acceptance)

    def settings(self, asked: Settings) -> Settings:
        """Return the settings that were used; no step size was adapted to a target acceptance."""
        chains, draws = self.points.shape[:2]
        return replace(asked, chains=chains, draws=draws, target_accept=0.0, complete=self.complete)

    @property
    def sentence(self) -> str:
        """What the sampler did."""
        return (
            f"independence sampling: {self.evaluations:,} evaluations, acceptance {self.acceptance:.2f}, Pareto k "
            f"{self.k:.2f}, largest weight {self.largest:.1f} times the mean"
        )


def sample_independently(
    target: Target,
    mode: Array,
    covariance: Array,
    settings: Settings,
    progress: Callable[[float], None],
    ends: Sequence[End] = (),
) -> Outcome:
    """Return chains whose proposals are independent of where the chain is.

    Each chain has a pilot run of its own, in two rounds: points from a wide t at the mode, then from kernels fitted to
    these. Kernels fitted to both are the proposal, which stays. A chain goes on in blocks: its state and 50 proposals are
    resampled by their weights, and one of them is the next state (iterated sampling importance resampling, Andrieu, Lee &
    Vihola 2018, Bernoulli 24:842), which leaves the target as it is and wastes less than a Metropolis-Hastings step for
    each proposal. Of an estimated density a chain keeps the estimate until it moves (Andrieu & Roberts 2009, Ann Stat
    37:697). Where the weights say that such chains are not to be used, all are run once more, their proposals fitted to the
    points of the first run too: that is cheap beside another engine. An interruption keeps the draws that all chains have.

    Parameters
    ----------
    mode, covariance : (d,), (d, d) arrays
        Mode of the density of the coordinates and inverse of minus its curvature there.
    progress : callable
        Called with the share of the work that is done.
    ends : sequence of End
        Where the chains go on, with the proposals that they had; none: they begin with pilot runs.

    Raises
    ------
    NowhereFinite
        There was nothing to fit proposals to.
    SamplingError
        Interrupted before there was a draw.
    """
    run = _Run(target, mode, covariance, settings, ends)
    run.execute(progress)
    found = run.outcome()
    if ends or found.refusal is None or not found.complete:
        return found
    run.again, run.chains, run.ends = True, {}, {}
    run.execute(progress)
    return run.outcome()


class _Round(NamedTuple):
    """Points (n, d) drawn from one proposal, what is kept of them, log-densities."""

    proposal: Proposal
    points: Array
    kept: Array
    values: Array


@dataclass(slots=True)
class _Run:
    target: Target
    mode: Array
    covariance: Array
    settings: Settings
    begun: Sequence[End]
    stopped: threading.Event = field(default_factory=threading.Event)
    chains: dict[int, Chain] = field(default_factory=dict)
    ends: dict[int, End] = field(default_factory=dict)
    evaluations: dict[int, int] = field(default_factory=dict)
    rounds: dict[int, list[_Round]] = field(default_factory=dict)
    again: bool = False

    def execute(self, progress: Callable[[float], None]) -> None:
        """Run all chains, as many at once as there are cores."""
        settings = self.settings
        total = settings.chains * (settings.draws + (0 if self.begun else settings.tune)) * (1 + self.again)
        with ThreadPoolExecutor(settings.cores) as pool:
            waiting: list[Future[None]] = []
            try:
                waiting += [pool.submit(self._run_chain, number) for number in range(settings.chains)]
                for one in waiting:
                    while not wait([one], timeout=0.1).done:
                        progress(sum(self.evaluations.values()) / total)
                    one.result()
            except BaseException as error:
                self.stopped.set()
                for one in waiting:
                    one.cancel()
                if not isinstance(error, KeyboardInterrupt):
                    raise

    def _run_chain(self, number: int) -> None:
        stream = np.random.default_rng([self.settings.seed, 2, number, *([1] if self.again else [])])
        if self.again:
            found: End | None = self._begin(*self._fit(number, stream), stream, number)
        else:
            self.evaluations[number] = 0
            found = self.begun[number] if self.begun else self._pilot(number, stream)
        if found is None:
            return
        proposal, first = found
        early = 0 if self.begun else _WARM_UP
        points = proposal.draw(early + self.settings.draws, stream)
        values, kept = self._evaluate(number, points, stream)
        points = points[: len(values)]
        if not self.begun:
            self.rounds[number].append(_Round(proposal, points, kept, values))
        proposed = Chain(points, kept, values, _log_weights(values, proposal.log_density(points)), np.ones(len(values)))
        chain, last = _resample(first, proposed, stream, early)
        self.chains[number], self.ends[number] = chain, End(proposal, last)

    def _pilot(self, number: int, stream: np.random.Generator) -> End | None:
        """Return the proposal of a chain and its first state, a point of the pilot; None after an interruption."""
        tune = self.settings.tune
        proposal = first_proposal(self.target.scales, self.mode, self.covariance)
        self.rounds[number], weights = [], np.zeros(0)
        for count in (max(tune - tune // 2, _FEWEST), tune // 2):
            if not count:
                break
            drawn = proposal.draw(count, stream)
            values, kept = self._evaluate(number, drawn, stream)
            if len(values) < count:
                return None
            self.rounds[number].append(_Round(proposal, drawn, kept, values))
            proposal, weights = self._fit(number, stream)
        return self._begin(proposal, weights, stream, number)

    def _fit(self, number: int, stream: np.random.Generator) -> tuple[Proposal, Array]:
        """Return a proposal fitted to all points of a chain, and their log weights, as draws of one mixture of proposals."""
        rounds = self.rounds[number]
        points, values = np.concatenate([one.points for one in rounds]), np.concatenate([one.values for one in rounds])
        shares = np.array([len(one.points) for one in rounds]) / len(points)
        logs = np.array([one.proposal.log_density(points) for one in rounds])
        weights = _log_weights(values, special.logsumexp(logs.T, b=shares, axis=1))
        if np.isfinite(weights).sum() < 2:
            raise NowhereFinite(_NOWHERE)
        return fit_proposal(self.target.scales, points, weights, stream), weights

    def _begin(self, proposal: Proposal, weights: Array, stream: np.random.Generator, number: int) -> End:
        """Return where a chain begins: at one of its points, taken by their log weights."""
        _, points, kept, values = zip(*self.rounds[number], strict=True)
        shares = np.exp(weights - np.max(weights))
        chosen = [int(stream.choice(len(weights), p=shares / shares.sum()))]
        point, own, value = (np.concatenate(parts)[chosen] for parts in (points, kept, values))
        weight = _log_weights(value, proposal.log_density(point))
        return End(proposal, Chain(point, own, value, weight, np.ones(1)))

    def _evaluate(self, number: int, points: Array, stream: np.random.Generator) -> tuple[Array, Array]:
        """Return the target at points, -inf where these are not finite, and what is kept; fewer after an interruption."""
        values, kept = np.full(len(points), -np.inf), np.zeros((len(points), self.target.kept))
        for start in range(0, len(points), AT_ONCE):
            if self.stopped.is_set():
                return values[:start], kept[:start]
            part = np.arange(start, min(start + AT_ONCE, len(points)))
            part = part[np.all(np.isfinite(points[part]), axis=1)]
            values[part], kept[part] = self.target.evaluate(points[part], stream)
            self.evaluations[number] += len(part)
        return np.where(np.isnan(values), -np.inf, values), kept

    def outcome(self) -> Outcome:
        """Return what was drawn."""
        joined = [self.chains[number] for number in sorted(self.chains) if len(self.chains[number].logs)]
        if not joined:
            raise SamplingError(TOO_EARLY)
        length = min(len(chain.logs) for chain in joined)
        points, kept, logs, weights, acceptance = (np.stack([a[:length] for a in x]) for x in zip(*joined, strict=True))
        dims = ("chain", "draw")
        statistics = xr.Dataset(
            {"logp": (dims, logs), "mean_tree_accept": (dims, acceptance), "log_weight": (dims, weights)}
        )
        found = Outcome(
            points=points,
            kept=kept,
            statistics=statistics,
            k=pareto_k(weights),
            largest=largest_weight(weights),
            acceptance=float(np.mean(acceptance)),
            evaluations=sum(self.evaluations.values()),
            complete=len(joined) == self.settings.chains and length == self.settings.draws,
            ends=tuple(self.ends[number] for number in sorted(self.ends)),
        )
        statistics.attrs |= judge(weights, found.acceptance, found.evaluations)
        return found


_NOWHERE = (
    "The sampler cannot start: the density is finite at none of its first points. Usually a prior and the data contradict "
    "each other, or a prior is so wide that the likelihood overflows: look at bm.prepare(spec, data).priors."
)


def _log_weights(values: Array, densities: Array) -> Array:
    """Return log-densities of the target less those of the proposal, -inf where the target has none."""
    with np.errstate(invalid="ignore"):
        return np.where(np.isfinite(values), values - densities, -np.inf)


def _resample(first: Chain, proposed: Chain, stream: np.random.Generator, early: int) -> tuple[Chain, Chain]:
    """Return the chain that begins at a state, its early draws left out, and the state from which it goes on.

    Each block of proposals gives as many draws. Copies stand next to each other, so that autocorrelations tell what
    uneven weights cost; draws of the state before the block come first, those of the state after it last.
    """
    logs = np.concatenate([first.weights, proposed.weights])
    place, acceptance = np.empty(len(logs) - 1, dtype=np.int64), np.empty(len(logs) - 1)
    current = 0
    for start in range(0, len(place), AT_ONCE):
        count = min(AT_ONCE, len(place) - start)
        block = np.append(current, np.arange(start, start + count) + 1)
        weights = np.exp(logs[block] - np.max(logs[block]))
        total = weights.sum()
        following = int(stream.choice(count + 1, p=weights / total))
        order = np.append(np.delete(np.arange(count + 1), following), following)
        ends = np.cumsum(weights[order])
        at = (np.arange(count) + stream.uniform()) / count * ends[-1]
        place[start : start + count] = block[order[np.minimum(np.searchsorted(ends, at), count)]]
        acceptance[start : start + count] = np.minimum(weights[1:, None], weights).sum(axis=1) / total
        current = int(block[following])
    states = [np.concatenate(pair) for pair in zip(first, proposed, strict=True)]
    points, further, values = (state[place[early:]] for state in states[:3])
    last = Chain(*(state[[current]] for state in states))
    return Chain(points, further, values, proposed.weights[early:], acceptance[early:]), last
