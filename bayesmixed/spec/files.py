"""Specs in files: TOML to spec and back, shipped specs, and everything that a user may give as a spec."""

import os
from collections.abc import Callable, Collection, Mapping, Sequence
from inspect import signature
from pathlib import Path
from typing import Any

from bayesmixed.arguments import checked
from bayesmixed.atomic_files import replace_file
from bayesmixed.errors import SpecError, did_you_mean, shorten
from bayesmixed.families import DEFAULT_FAMILY, Family, find_family
from bayesmixed.prior_distributions import Prior
from bayesmixed.spec.joint_specs import JointSpec, is_joint
from bayesmixed.spec.model_spec import ModelSpec, from_formula
from bayesmixed.spec.parsing import ADDED, format_formula, read_further
from bayesmixed.terms.residual_correlations import Residual

LARGEST = 1_000_000
"""Characters of a spec file."""


@checked
def as_spec(
    spec: str | Path | ModelSpec,
    *,
    family: str | Family | None = None,
    priors: Mapping[str, Any] | None = None,
    link: str | None = None,
    links: Mapping[str, str] | None = None,
    factors: str | Sequence[str] = (),
    crossed: str | Sequence[str] = (),
    empty_cells: str | None = None,
    reference: str | None = None,
    functions: Mapping[str, Callable[..., Any]] | None = None,
    known: Mapping[str, Any] | None = None,
    impute: Mapping[str, Any] | None = None,
    residual: str | Residual | None = None,
    **predictors: Any,
) -> ModelSpec:
    """Return a spec from a formula, a shipped name, a TOML path or a spec, with changes applied.

    Formulas of further parameters, `sigma="~ x"`, and links, priors and options are added to those of a spec and replace
    them where it has them.

    Raises
    ------
    SpecError
        Nothing of that name exists, or `family` contradicts the spec.
    """
    if isinstance(spec, str) and "~" in spec:
        return from_formula(
            spec,
            family=DEFAULT_FAMILY if family is None else family,
            priors=priors,
            link=link,
            links=links,
            factors=factors,
            crossed=crossed,
            empty_cells="error" if empty_cells is None else empty_cells,
            reference=reference or "",
            functions=functions,
            known=known,
            impute=impute,
            residual=residual,
            **predictors,
        )
    if not isinstance(spec, ModelSpec):
        spec = load_spec(spec, functions=functions)
    elif functions:
        spec = _with_functions(spec, functions)
    spec = spec.replace(known={**spec.known, **known}) if known else spec
    if family is not None and find_family(family).name != find_family(spec.family).name:
        raise SpecError(
            f"The spec has family '{find_family(spec.family).name}', but family '{find_family(family).name}' was given. "
            "Give a family only with a formula."
        )
    if (
        not any((priors, links, factors, crossed, predictors, impute, residual))
        and link is empty_cells is reference is None
    ):
        return spec
    changed = read_further(predictors)
    first = find_family(spec.family).parameters[0].name
    if first in changed:
        raise SpecError(f"The spec has its own formula of '{first}': change it with spec.update(\"~ . + x\").")
    fields: dict[str, Any] = {name: getattr(spec, name) for name in ModelSpec.model_fields}
    fields["predictors"] = {**spec.predictors, **changed}
    fields["priors"] = {**spec.priors, **(priors or {})}
    fields["impute"] = {**spec.impute, **(impute or {})}
    fields["links"] = {**spec.links, **(links or {}), **({} if link is None else {first: link})}
    for name, added in (("factors", factors), ("crossed", crossed)):
        more = (added,) if isinstance(added, str) else added
        fields[name] = tuple(dict.fromkeys((*fields[name], *more)))
    fields["empty_cells"] = spec.empty_cells if empty_cells is None else empty_cells
    fields["reference"] = spec.reference if reference is None else reference
    fields["residual"] = spec.residual if residual is None else residual
    return ModelSpec(**fields)


def take_model(
    spec: str | Path | ModelSpec, options: Mapping[str, Any], settings: Collection[str]
) -> tuple[ModelSpec, dict[str, Any]]:
    """Return the spec with the options that belong to a model, as `as_spec` takes them, and the options that are settings.

    Raises
    ------
    SpecError
        As `as_spec`; an option that is neither.
    """
    own = {name: value for name, value in options.items() if name in settings}
    model = {name: value for name, value in options.items() if name not in own}
    known = [*signature(as_spec).parameters, *settings]
    for name, value in model.items():
        if name not in known and not isinstance(value, str):
            raise SpecError(f"{name}={shorten(repr(value))} is not an option here. {did_you_mean(name, known)}")
    return as_spec(spec, **model), own


def _with_functions(spec: ModelSpec, functions: Mapping[str, Callable[..., Any]]) -> ModelSpec:
    return spec.replace(functions={**spec.functions, **functions})


def load_spec(source: str | Path, *, functions: Mapping[str, Callable[..., Any]] | None = None) -> ModelSpec:
    """Return the spec of a TOML file, or of a shipped name (see `list_specs`).

    Parameters
    ----------
    source : str or Path
        A shipped name, or the path of a TOML file.
    functions : mapping, optional
        User-defined functions that its formulas call; a file stores only their names.

    Raises
    ------
    SpecError
        There is no such file or name, or the file is not a spec; the message names the field.

    Examples
    --------
    >>> import bayesmixed as bm
    >>> bm.load_spec("herd").formula
    'incidence | trials(size) ~ 1 + (1 | herd)'
    """

    text, path = read_text(source)
    spec = spec_from_toml(text, str(path))
    return _with_functions(spec, functions) if functions else spec


def read_text(source: str | Path) -> tuple[str, Path]:
    """Return the text of a TOML file, or of a shipped name, and its path (SpecError where there is none)."""
    path = Path(source)
    if not path.suffix and not os.path.isfile(path):
        shipped = list_specs()
        if str(source) not in shipped:
            raise SpecError(
                f"'{source}' is not a formula (it has no tilde), a file or a shipped spec. {did_you_mean(str(source), shipped)}"
            )
        path = shipped_specs_folder() / f"{source}.toml"
    try:
        with path.open("rb") as file:
            text = file.read(LARGEST + 1).decode("utf-8-sig")
    except FileNotFoundError as error:
        raise SpecError(f"There is no spec file '{path}' (looked in {path.absolute().parent}).") from error
    except (OSError, ValueError) as error:
        raise SpecError(f"Spec '{path}' cannot be read: {error}.") from error
    if len(text) > LARGEST:
        raise SpecError(f"'{path}' has more than {LARGEST:,} characters, too many for a spec.")
    return text, path


def read_joint_spec(source: str | Path) -> JointSpec:
    """Return the spec of a TOML file with the models of several responses, `[[models]]` (SpecError where it is not one)."""
    if isinstance(source, str) and "~" in source:
        raise SpecError("Give the formulas of several responses as a list, one for each.")
    text, path = read_text(source)
    return joint_from_toml(text, str(path))


def joint_from_toml(text: str, name: str = "spec") -> JointSpec:
    """Return the spec of several responses written in TOML text; `name` is used in error messages."""
    fields = _fields(text, name)
    if "models" not in fields:
        raise SpecError(f"'{name}' is the spec of one response: a file of several has [[models]].")
    try:
        return JointSpec(**fields | {"models": [ModelSpec(**one) for one in fields["models"]]})
    except (AttributeError, TypeError) as error:
        raise SpecError(f"In '{name}': [[models]] has the fields of a spec for each response ({error}).") from error
    except SpecError as error:
        raise error.after(f"In '{name}':") from error


def joint_to_toml(spec: JointSpec) -> str:
    """Return the spec of several responses as TOML text, which `joint_from_toml` reads back to an equal spec (SpecError)."""
    import tomli_w

    fields = spec.model_dump(exclude_defaults=True, include={"title", "question", "rescor", "simulation"})
    fields |= {"priors": _prior_fields(spec.priors)} if spec.priors else {}
    return tomli_w.dumps(fields | {"models": [spec_fields(model) for model in spec.models]})


def names_several(spec: Any) -> bool:
    """Return whether a spec is of several responses: a list, a JointSpec, or the path of a file with `[[models]]`."""
    if isinstance(spec, str | Path) and Path(spec).suffix == ".toml" and Path(spec).is_file():
        return "models" in _fields(read_text(spec)[0], str(spec))
    return is_joint(spec)


def _fields(text: str, name: str) -> dict[str, Any]:
    import tomllib

    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError, AttributeError, TypeError) as error:  # tomllib has more errors than its own
        raise SpecError(f"'{name}' is not a spec in TOML: {error}.") from error


def spec_from_toml(text: str, name: str = "spec") -> ModelSpec:
    """Return the spec written in TOML text; `name` is used in error messages."""
    fields = _fields(text, name)
    if "models" in fields:
        raise SpecError(f"'{name}' holds models of several responses: bm.fit and bm.prepare_joint take it.")
    try:
        return ModelSpec(**fields)
    except (ValueError, RecursionError, AttributeError, TypeError) as error:
        raise SpecError(f"'{name}' is not a spec in TOML: {error}.") from error
    except SpecError as error:
        raise error.after(f"In '{name}':") from error


def spec_to_toml(spec: ModelSpec) -> str:
    """Return the spec as TOML text, which `spec_from_toml` reads back to an equal spec.

    Raises
    ------
    SpecError
        The family is a user-defined object, which cannot be written as text.
    """
    import tomli_w

    return tomli_w.dumps(spec_fields(spec))


def spec_fields(spec: ModelSpec) -> dict[str, Any]:
    """Return the fields of a spec as TOML has them (SpecError where its family cannot be written)."""
    if not isinstance(spec.family, str):
        raise SpecError(f"A spec with a user-defined Family object ('{spec.family.name}') cannot be written as TOML.")
    first = find_family(spec.family).parameters[0].name
    fields = spec.model_dump(
        exclude_defaults=True,
        exclude={"response", *ADDED, "predictors", "priors", "family", "functions", "known", "residual"},
    )
    fields |= {"formula": spec.formula, "family": spec.family}
    fields |= {} if spec.residual is None else {"residual": str(spec.residual)}
    others = {name: terms for name, terms in spec.predictors.items() if name != first}
    predictors = {name: format_formula("", terms) for name, terms in others.items()}
    fields |= {"predictors": predictors} if predictors else {}
    fields |= {"functions": list(spec.functions)} if spec.functions else {}
    return fields | ({"priors": _prior_fields(spec.priors)} if spec.priors else {})


def _prior_fields(priors: Mapping[str, Prior]) -> dict[str, Any]:
    return {key: p.arguments[0] if p.name == "Fixed" else p.to_text() for key, p in priors.items()}


def save_spec(spec: ModelSpec | JointSpec, path: str | Path) -> None:
    """Write the spec as a TOML file; an existing file is replaced as a whole.

    Raises
    ------
    DataError
        The file cannot be written.
    SpecError
        The family is a user-defined object, which cannot be written as text.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import bayesmixed as bm
    >>> path = pathlib.Path(tempfile.mkdtemp(), "mine.toml")
    >>> bm.save_spec(bm.from_formula("y ~ x + (1 | herd)"), path)
    >>> bm.load_spec(path).formula
    'y ~ 1 + x + (1 | herd)'
    """
    replace_file(path, joint_to_toml(spec) if isinstance(spec, JointSpec) else spec_to_toml(spec), "The spec")


def list_specs() -> list[str]:
    """Return the names of the shipped specs, in alphabetical order.

    Examples
    --------
    >>> import bayesmixed as bm
    >>> [name for name in bm.list_specs() if name.startswith("sleep")]
    ['sleepstudy', 'sleepstudy_intercept', 'sleepstudy_slope', 'sleepstudy_uncorrelated']
    """
    return sorted(path.stem for path in shipped_specs_folder().glob("*.toml"))


def shipped_specs_folder() -> Path:
    """Return the folder of shipped specs: inside the package when installed, next to it in a checkout."""
    package = Path(__file__).parents[1]
    inside = package / "model_specs"
    return inside if inside.is_dir() else package.parent / "model_specs"
