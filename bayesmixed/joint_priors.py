"""Joint priors of several parameters as values: how a variance is split into parts, and which coefficients are large."""

from collections.abc import Callable
from typing import ClassVar

from bayesmixed.errors import SpecError
from bayesmixed.prior_distributions import Prior

VARIANCE, COEFFICIENTS = "variance", "coefficients"
"""Keys of joint priors."""
Number = Callable[[float], str]


class JointPrior(Prior):
    """A prior of several parameters together.

    Attributes
    ----------
    KEY : str
        Its key among the priors of a spec.
    FORM : str
        How it is written.
    MEANING : str
        In words.
    """

    KEY: ClassVar[str]
    FORM: ClassVar[str]
    MEANING: ClassVar[str]
    arguments: tuple[float, ...] = ()

    def _check(self) -> None:
        pass

    @property
    def words(self) -> str:
        """Its arguments."""
        return str(self)[len(self.name) + 1 : -1]

    def widen(self, factor: float) -> Prior:
        """Return the prior itself."""
        return self


class SharedVariance(JointPrior):
    """What joint priors of variances have in common: the shares that terms have in a variance.

    Attributes
    ----------
    shares : tuple of float
        Parameters of the Dirichlet distribution of the shares; one number is that of each share.
    names : tuple of str
        Whose shares they are; empty: those of the terms in their order, and of the residual last.
    """

    KEY: ClassVar[str] = VARIANCE
    shares: tuple[float, ...]
    names: tuple[str, ...] = ()

    def _check(self) -> None:
        if not self.shares or not all(0.0 < share < float("inf") for share in self.shares):
            raise SpecError(f"{self.name}: the numbers of the shares must be positive, given {self.shares}.")
        if len(set(self.names)) < len(self.names):
            raise SpecError(f"{self.name}: a share is named twice.")

    def _write_shares(self, number: Number) -> str:
        numbers = [number(share) for share in self.shares]
        if not self.names:
            return f"Dirichlet({', '.join(numbers)})"
        return "{" + ", ".join(f'"{name}": {share}' for name, share in zip(self.names, numbers, strict=True)) + "}"


class VarianceSplit(SharedVariance):
    """The SD of all effects and residuals together, and the shares that these have in its square.

    Attributes
    ----------
    total : Prior
        Of the total SD: the root of the sum of the variances.
    """

    MEANING: ClassVar[str] = "SD of all effects and residuals together, and their shares in its square"
    FORM: ClassVar[str] = "VarianceSplit(total=HalfStudentT(4, 0, 1), shares=Dirichlet(1, 1))"
    name: str = "VarianceSplit"
    total: Prior

    def _check(self) -> None:
        super()._check()
        low, high = self.total.support
        if low < 0.0 or high <= 0.0 or low == high:
            raise SpecError(
                f"VarianceSplit: total is {self.total}; it is an SD, whose prior is a distribution on positive numbers, "
                'such as "HalfStudentT(4, 0, 1)".'
            )

    def _write(self, number: Number) -> str:
        return f"{self.name}(total={self.total._write(number)}, shares={self._write_shares(number)})"


class R2D2M2(SharedVariance):
    """The share of variance that all terms explain, and the shares that these have in it (Aguilar & Bürkner 2023).

    Attributes
    ----------
    r2 : Prior
        Of R2, a Beta distribution.
    """

    MEANING: ClassVar[str] = "share of the variance that all terms explain, and their shares in it"
    FORM: ClassVar[str] = "R2D2M2(R2=Beta(1, 1), shares=Dirichlet(0.5))"
    name: str = "R2D2M2"
    shares: tuple[float, ...] = (0.5,)
    r2: Prior = Prior(name="Beta", arguments=(1.0, 1.0))

    def _check(self) -> None:
        super()._check()
        if self.r2.name != "Beta":
            raise SpecError(f'R2D2M2: R2 is {self.r2}; it has a Beta distribution, such as "Beta(1, 1)".')

    def _write(self, number: Number) -> str:
        return f"{self.name}(R2={self.r2._write(number)}, shares={self._write_shares(number)})"


class Horseshoe(JointPrior):
    """The regularised horseshoe of many coefficients, few of which are large (Piironen & Vehtari 2017).

    Attributes
    ----------
    relevant : float
        About how many coefficients are large.
    df : float
        Degrees of freedom of the half-t distributions of the scale of each coefficient.
    slab_scale, slab_df : float
        A large coefficient is about Student-t with these, in units of the default prior of a slope.
    """

    KEY: ClassVar[str] = COEFFICIENTS
    MEANING: ClassVar[str] = "coefficients, few of them large"
    FORM: ClassVar[str] = "Horseshoe(relevant=3, df=1, slab_scale=1, slab_df=4)"
    name: str = "Horseshoe"
    relevant: float
    df: float = 1.0
    slab_scale: float = 1.0
    slab_df: float = 4.0

    def _check(self) -> None:
        if not min(self.relevant, self.df, self.slab_scale, self.slab_df) > 0.0:
            raise SpecError(f"Horseshoe: its numbers must be positive; the form is {self.FORM}.")

    def _write(self, number: Number) -> str:
        words = ("relevant", "df", "slab_scale", "slab_df")
        return f"{self.name}({', '.join(f'{word}={number(getattr(self, word))}' for word in words)})"


JOINT: dict[str, type[JointPrior]] = {one.__name__: one for one in (VarianceSplit, R2D2M2, Horseshoe)}
KEYS = {one.KEY: [own.__name__ for own in JOINT.values() if own.KEY == one.KEY] for one in JOINT.values()}
"""Which joint priors each key can have."""


def share_of(part: str) -> str:
    """Return what is said of an SD that has a share in a variance."""
    return f"share of {part}"
