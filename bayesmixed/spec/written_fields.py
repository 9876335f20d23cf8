"""Fields of a spec as people write them, formulas as text and one link, turned into those that a spec holds."""

from collections.abc import Mapping
from typing import Any

from bayesmixed.errors import SpecError, shorten
from bayesmixed.families import DEFAULT_FAMILY, find_family
from bayesmixed.spec.parsing import ADDED, complete_terms, parse_formula, parse_terms, read_right_side
from bayesmixed.terms.residual_correlations import Residual


def read_written(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a spec, in which a formula may state several of them and `link` is that of the first parameter.

    Raises
    ------
    SpecError
        A formula cannot be read, or what it states is given again.
    """
    fields = dict(fields)
    if "formula" in fields:
        formula, first = parse_formula(fields.pop("formula")), _first_parameter(fields)
        predictors = _mapping(fields.get("predictors", {}))
        stated = dict.fromkeys(("response", *ADDED), fields) | {f"predictors.{first}": predictors}
        clash = [name for name, given in stated.items() if name.removeprefix("predictors.") in given]
        if clash:
            raise SpecError(f"'formula' already states {clash[0]}; give one of the two.")
        fields |= formula.left_side
        fields["predictors"] = {first: formula.terms, **predictors}
    link = fields.pop("link", None)
    if link is not None:
        first, links = _first_parameter(fields), dict(fields.get("links", {}))
        if not isinstance(link, str):
            raise SpecError(f"link={shorten(repr(link))} is not a link; write a text, such as 'probit'.")
        if links.get(first, link) != link:
            raise SpecError(
                f"link '{link}' and links.{first} '{links[first]}' contradict each other; give one of the two."
            )
        fields["links"] = {**links, first: link}
    return _with_scales(fields)


def _with_scales(fields: dict[str, Any]) -> dict[str, Any]:
    """Return the fields with a formula of the residual SD where residuals have one of each visit and none is given."""
    given, predictors = fields.get("residual"), fields.get("predictors")
    if given is None or not isinstance(predictors, Mapping):
        return fields
    residual, scale = Residual.model_validate(given), find_family(fields.get("family", DEFAULT_FAMILY)).scale
    formula = residual.scale_formula
    own = {} if formula is None or not scale or scale in predictors else {scale: formula}
    return {**fields, "residual": residual, "predictors": {**predictors, **own}}


def read_predictors(predictors: Any) -> dict[str, tuple[Any, ...]]:
    """Return the terms of each parameter: those of a formula, "~ x", or of a list of terms (SpecError)."""
    return {
        name: parse_terms(read_right_side(name, terms)) if isinstance(terms, str) else complete_terms(terms)
        for name, terms in _mapping(predictors).items()
    }


def _mapping(predictors: Any) -> Mapping[str, Any]:
    if not isinstance(predictors, Mapping):
        raise SpecError("'predictors' is a table of parameters, each with a formula or a list of terms.")
    return predictors


def _first_parameter(fields: Mapping[str, Any]) -> str:
    return find_family(fields.get("family", DEFAULT_FAMILY)).parameters[0].name
