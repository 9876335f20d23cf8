"""The terms that a predictor can have; a new one is a file here and a line in `TERMS`."""

from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from bayesmixed.terms.contract import TermContract
from bayesmixed.terms.factor_smooth import FactorSmooth
from bayesmixed.terms.fixed import Fixed
from bayesmixed.terms.gaussian_process import GaussianProcess
from bayesmixed.terms.group import Group
from bayesmixed.terms.monotonic import Monotonic
from bayesmixed.terms.multi_membership import MultiMembership
from bayesmixed.terms.observation import Observation
from bayesmixed.terms.offset import Offset
from bayesmixed.terms.related import Related
from bayesmixed.terms.smooth import Smooth
from bayesmixed.terms.student_group import StudentGroup
from bayesmixed.terms.surface import Surface
from bayesmixed.terms.tensor import TensorSmooth
from bayesmixed.terms.typed_group import TypedGroup

# A summand belongs to the first kind that can read it.
TERMS: dict[str, type[TermContract]] = {
    "fixed": Fixed,
    "monotone": Monotonic,
    "multi_membership": MultiMembership,
    "typed_group": TypedGroup,
    "student_group": StudentGroup,
    "related": Related,
    "group": Group,
    "observation": Observation,
    "offset": Offset,
    "factor_smooth": FactorSmooth,
    "smooth": Smooth,
    "surface": Surface,
    "tensor": TensorSmooth,
    "gaussian_process": GaussianProcess,
}

if TYPE_CHECKING:
    Term = TermContract
else:
    Term = Annotated[reduce(or_, TERMS.values()), Field(discriminator="kind")]

__all__ = [
    "TERMS",
    "FactorSmooth",
    "Fixed",
    "GaussianProcess",
    "Group",
    "Monotonic",
    "MultiMembership",
    "Observation",
    "Offset",
    "Related",
    "Smooth",
    "StudentGroup",
    "Surface",
    "TensorSmooth",
    "Term",
    "TypedGroup",
]
