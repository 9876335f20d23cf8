"""The terms that a predictor can have; a new one is a file here and a line in `TERMS`."""

from typing import Annotated

from pydantic import Field

from bayesmixed.terms.fixed import Fixed
from bayesmixed.terms.group import Group
from bayesmixed.terms.observation import Observation
from bayesmixed.terms.offset import Offset
from bayesmixed.terms.smooth import Smooth

TERMS = {"fixed": Fixed, "group": Group, "observation": Observation, "offset": Offset, "smooth": Smooth}

Term = Annotated[Fixed | Group | Observation | Offset | Smooth, Field(discriminator="kind")]

__all__ = ["TERMS", "Fixed", "Group", "Observation", "Offset", "Smooth", "Term"]
