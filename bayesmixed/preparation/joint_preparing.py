"""prepare_joint: from models of several responses and a data frame to a checked JointDesign."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from bayesmixed.arguments import checked
from bayesmixed.design.default_priors import check_fixed_correlation
from bayesmixed.design.design import Design, RealisedPrior
from bayesmixed.design.joint_designs import JointDesign, name_parts, with_own_correlations
from bayesmixed.design.latent_columns import refuse_latent
from bayesmixed.draws.tree import draw_names
from bayesmixed.errors import BayesMixedError, DataError, SpecError, did_you_mean, enumerate_words, warn
from bayesmixed.preparation.imputed_tables import are_tables
from bayesmixed.preparation.joint_columns import check_order, without_dots
from bayesmixed.preparation.preparing import prepare, refuse_beside_design
from bayesmixed.spec.files import read_joint_spec
from bayesmixed.spec.joint_specs import RESCOR, JointSpec, as_joint_spec
from bayesmixed.spec.model_spec import ModelSpec
from bayesmixed.tables.frames import as_frame
from bayesmixed.terms.correlation_matrices import CorrelationMatrix


@checked
def prepare_joint(
    models: str | Path | JointSpec | list[str | ModelSpec],
    data: Any,
    *,
    missing: str = "error",
    na: str | float | Iterable[str | float] = (),
    **options: Any,
) -> JointDesign:
    """Return the design of models of several responses on data.

    Parameters
    ----------
    models : str, Path, JointSpec or list of formulas and specs
        One model for each response; a text is the path of a TOML file with `[[models]]`.
    data : data frame, mapping of columns, or path
        One row per observation, a column for each response.
    missing : {"error", "drop"}
        What to do with rows in which a used column is missing: with "drop" each response has the rows that are complete for
        its own formula.
    na : str, number or list of these
        Codes that mean a missing value.
    **options
        `family`, one or a list; `rescor`; `priors` by the names in the draws; `factors`, `crossed`, `functions`, `known`.

    Returns
    -------
    JointDesign
        Its `parts` are designs of one response each.

    Raises
    ------
    SpecError
        As `prepare` of each model; letters or priors do not say what is tied; responses depend on each other in a circle;
        correlated residuals of responses that are not Gaussian.
    DataError
        As `prepare` of each model; correlated residuals of responses that are not observed in the same rows.

    Warns
    -----
    StatisticsWarning
        As `prepare` of each model; nothing ties the responses.

    Examples
    --------
    >>> import bayesmixed as bm
    >>> data = bm.datasets.load("sleepstudy").assign(speed=lambda one: 1000 / one["Reaction"])
    >>> design = bm.prepare_joint(["Reaction ~ Days", "speed ~ Days"], data, rescor=True)
    >>> {name: part.rows for name, part in design.parts.items()}
    {'Reaction': 180, 'speed': 180}
    """
    if are_tables(data):
        raise SpecError(
            "Several responses take one table, and a list of imputed tables was given. Fit them one by one."
        )
    if missing not in ("error", "drop"):
        raise SpecError(f"missing='{missing}' is not possible with several responses; 'error' and 'drop' are.")
    joint = as_joint_spec(read_joint_spec(models) if isinstance(models, str | Path) else models, **options)
    joint = without_dots(joint, data, na)
    parts: dict[str, Design] = {}
    for name, model in zip(joint.responses, joint.models, strict=True):
        try:
            parts[name] = prepare(model, without_letters(model, joint, data), missing=missing, stream=False, na=na)
        except BayesMixedError as error:
            raise error.after(f"Response '{name}':") from error
        _refuse(name, parts[name])
    return tie_parts(joint, parts)


def as_joint_design(spec: Any, data: Any = None, **options: Any) -> JointDesign:
    """Return the design of several responses on data; one that is prepared already passes through.

    Raises
    ------
    SpecError
        As `prepare_joint`; data or options are given with a JointDesign, which has its own.
    """
    if isinstance(spec, JointDesign):
        refuse_beside_design("JointDesign", data, options)
        return spec
    return prepare_joint(list(spec) if isinstance(spec, tuple) else spec, data, **options)


def without_letters(model: ModelSpec, joint: JointSpec, data: Any) -> Any:
    """Return the rows of a response without columns that it does not use and that are called as a letter which ties it to others:
    they would look like a grouping factor between two bars."""
    if isinstance(data, str | Path):
        return data
    letters = [{term.tied_by for term in one.terms if term.tied_by} for one in joint.models]
    tied = {letter for own in letters for letter in own if sum(letter in one for one in letters) > 1}
    frame = as_frame(data)
    gone = [letter for letter in tied & {*frame.columns} if not _uses(model, letter)]
    return frame.drop(columns=gone) if gone else data


def _uses(model: ModelSpec, letter: str) -> bool:
    """Return whether a spec mentions a name, but between bars."""
    text = re.sub(rf"\|\s*{re.escape(letter)}\s*\|", "|", str(model))
    return re.search(rf"(?<!\w){re.escape(letter)}(?!\w)", text) is not None


def tie_parts(joint: JointSpec, parts: Mapping[str, Design]) -> JointDesign:
    """Return the design of several responses from those of each.

    Raises
    ------
    SpecError, DataError
        As `prepare_joint`.
    """
    check_order(joint, parts)
    named = name_parts(parts)
    _check_names(named)
    design = JointDesign(joint, dict(parts), {})
    matrices = design.matrices
    for name, matrix in matrices.items():
        _check_matrix(design, name, matrix)
    if joint.rescor:
        _check_rows(parts)
    if not matrices:
        warn(
            f"Nothing ties {enumerate_words(parts)} to each other, so fits of each by itself are the same, and faster. A letter "
            "in both formulas ties the effects of groups, (1 |p| g), and rescor=True the residuals of rows."
        )
    unknown = [key for key in joint.priors if key not in matrices]
    if unknown:
        raise SpecError(
            f"Prior for '{unknown[0]}': no such correlations of several responses. {did_you_mean(unknown[0], matrices)}"
        )
    priors = {name: _prior(joint, name, matrix) for name, matrix in matrices.items()}
    return with_own_correlations(JointDesign(joint, dict(parts), priors))


def _prior(joint: JointSpec, name: str, matrix: CorrelationMatrix) -> RealisedPrior:
    """Return the prior of a matrix of several responses."""
    of = enumerate_words(matrix.labels)
    about = f"correlations of residuals of {of}" if name == RESCOR else f"correlations between {matrix.term}, of {of}"
    prior = joint.priors.get(name)
    if prior is None:
        return RealisedPrior(matrix.prior, "default", about)
    if prior.name == "Fixed":
        check_fixed_correlation(matrix.widest, name, prior)
    elif prior.name != "LKJ":
        raise SpecError(
            f"Prior for '{name}' is {prior}; a correlation matrix has prior \"LKJ(eta)\", or a number that fixes it."
        )
    return RealisedPrior(prior, "user", about)


def _check_matrix(design: JointDesign, name: str, matrix: CorrelationMatrix) -> None:
    """Refuse matrices whose blocks do not have a prior of their own (SpecError)."""
    if sum(part.correlated for part in matrix.parts) > 1:
        raise SpecError(
            f"Two terms of '{matrix.term}' have correlations in '{name}', which is of several responses. Write their columns in "
            f"one term with one letter, (1 + x |p| {matrix.term})."
        )
    for response in dict.fromkeys(one.response for one in design.members().get(name, ())):
        part = design.parts[response]
        stated = [
            own.name for own, terms in part.correlations() if own.term == matrix.term and own.name in part.spec.priors
        ]
        if stated:
            raise SpecError(
                f"The model of '{response}' states a prior of '{stated[0]}', which is a part of '{name}' of several responses. "
                f'State that one: priors={{"{name}": "LKJ(2)"}} beside the models.'
            )


def _check_names(named: Mapping[str, Design]) -> None:
    """Refuse responses whose names make two variables the same (SpecError)."""
    seen: set[str] = set()
    for response, design in named.items():
        own = [name for name in draw_names(design) if name.endswith(design.ending)] + [design.response_name]
        twice = [name for name in own if name in seen]
        if twice:
            raise SpecError(
                f"Two variables of the draws would have the name '{twice[0]}': the names of variables end in that of their "
                f"response. Rename the column of '{response}'."
            )
        seen |= {*own}


def _check_rows(parts: Mapping[str, Design]) -> None:
    """Refuse responses that are not observed in the same rows where residuals are correlated (DataError)."""
    indices = {name: design.table.data.index for name, design in parts.items()}
    (first, rows), *others = indices.items()
    for name, own in others:
        if len(own) != len(rows) or not np.array_equal(np.asarray(own), np.asarray(rows)):
            alone = [*rows.symmetric_difference(own)] or [*own]
            raise DataError(
                f"rescor needs '{first}' and '{name}' in the same rows, and {len(alone)} rows have one of them only (first: row "
                f"{alone[0]}). Leave out rows in which any of the columns is missing, data.dropna(subset=[...]), or rescor: a "
                "letter in the formulas alone uses all rows."
            )


def _refuse(name: str, design: Design) -> None:
    """Refuse what models of one response can have and those of several cannot (SpecError)."""
    refuse_latent(design.latent, "A model of several responses")
    what = (
        f"a joint prior of several parameters ({next(iter(design.joint_priors))})"
        if design.joint_priors
        else f"residual {design.spec.residual}"
        if design.spec.residual is not None
        else ""
    )
    if what:
        raise SpecError(f"'{name}' has {what}, which is not possible beside other responses. Leave it out.")
