"""What commands have in common: options, and a spec, a design or a fit from them."""

import re
from collections.abc import Callable
from functools import wraps
from inspect import Parameter, Signature, signature
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from bayesmixed.errors import DataError, SpecError

if TYPE_CHECKING:
    from bayesmixed.calibration.certificates import Verification
    from bayesmixed.design.design import Design
    from bayesmixed.fits.fitting import Fit
    from bayesmixed.fits.joint_fits import JointFit
    from bayesmixed.spec.joint_specs import JointSpec
    from bayesmixed.spec.model_spec import ModelSpec


def complete_spec(begun: str) -> list[str]:
    """Return the shipped names that begin with this text, for the shell."""
    from bayesmixed.spec.files import list_specs

    return [name for name in list_specs() if name.startswith(begun)]


Missing = Annotated[Literal["error", "drop"], typer.Option(help="What to do with rows with missing values.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs instead of text for people.")]
Seed = Annotated[
    int | None,
    typer.Option(min=0, max=2**63 - 1, help="The same seed gives the same numbers (a new one if not given)."),
]
Folder = Annotated[Path, typer.Argument(metavar="DIR", help="Folder that `bayesmixed fit` wrote, or a .nc file.")]

Verify = Annotated[
    int | None,
    typer.Option(
        "--verify",
        min=0,
        metavar="REFITS",
        help="Check the fit by a second engine and so many refits of simulated data, 20 say; the report shows it.",
    ),
]


def read_spec(
    spec: Annotated[
        str,
        typer.Argument(
            metavar="SPEC", help="Shipped name, TOML file, or formula in quotes.", autocompletion=complete_spec
        ),
    ],
    family: Annotated[
        str | None, typer.Option(help="Distribution of the response, with a formula (gaussian if not given).")
    ] = None,
    prior: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=PRIOR", help='E.g. "sd_herd=HalfNormal(1)". Repeatable.'),
    ] = None,
    link: Annotated[list[str] | None, typer.Option(metavar="[PARAMETER=]LINK", help="E.g. probit. Repeatable.")] = None,
    parameter: Annotated[
        list[str] | None,
        typer.Option(metavar="FORMULA", help='Formula of a further parameter, e.g. "zi ~ z". Repeatable.'),
    ] = None,
    factor: Annotated[
        list[str] | None, typer.Option(metavar="COLUMN", help="Numeric column that is a factor. Repeatable.")
    ] = None,
    crossed: Annotated[
        list[str] | None,
        typer.Option(
            metavar="COLUMN", help="Grouping factor with the same units wherever its labels recur. Repeatable."
        ),
    ] = None,
    empty_cells: Annotated[
        Literal["error", "drop"] | None,
        typer.Option(help="What to do with combinations of levels without rows (that of the spec if not given)."),
    ] = None,
    reference: Annotated[
        str | None, typer.Option(metavar="CATEGORY", help="Category with which the others are compared (categorical).")
    ] = None,
    known: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=FILE",
            help="Table of a known relation between levels, e.g. A of gr(species, cov=A). Repeatable.",
        ),
    ] = None,
    impute: Annotated[
        list[str] | None,
        typer.Option(
            metavar="COLUMN=[FAMILY] FORMULA",
            help='Model of a column in mi() or me(): "x=~ z", "event=bernoulli ~ z". Repeatable.',
        ),
    ] = None,
    residual: Annotated[
        str | None,
        typer.Option(
            metavar="CORRELATION", help='Of residuals within groups: "ar1(time | subject)", "us(visit | subject)".'
        ),
    ] = None,
) -> "ModelSpec | JointSpec":
    """Return the spec given by the arguments of a command."""
    from bayesmixed.families import find_family
    from bayesmixed.spec.files import as_spec, names_several, read_joint_spec
    from bayesmixed.spec.joint_specs import as_joint_spec

    options: dict[str, Any] = dict(_read_parameter(text) for text in parameter or ())
    if len(options) < len(parameter or ()):
        raise typer.BadParameter("a parameter has two formulas.", param_hint="--parameter")
    alone = [text for text in link or () if "=" not in text]
    if len(alone) > 1:
        raise typer.BadParameter(f"{alone[1]}: name its parameter, PARAMETER=LINK.", param_hint="--link")
    options["links"] = dict(split(text, "--link") for text in link or () if "=" in text)
    options["priors"] = dict(split(text, "--prior") for text in prior or ())
    options |= {"link": alone[0] if alone else None, "factors": factor or (), "crossed": crossed or ()}
    options["known"] = dict(split(text, "--known") for text in known or ())
    options["impute"] = dict(_read_imputation(text) for text in impute or ())
    if names_several(spec):
        options |= {"empty_cells": empty_cells, "reference": reference, "residual": residual}
        return as_joint_spec(read_joint_spec(spec), family=family, **options)
    model = as_spec(spec, family=family, empty_cells=empty_cells, reference=reference, residual=residual, **options)
    if "~" in spec and family is None:
        typer.echo(f"note: no --family given: family {find_family(model.family).name} is assumed", err=True)
    return model


def _read_imputation(text: str) -> tuple[str, dict[str, str]]:
    """Return the column and the model of "x=bernoulli ~ z"."""
    name, model = split(text, "--impute")
    family, tilde, formula = model.partition("~")
    if not tilde:
        raise typer.BadParameter(f"'{text}' is not of the form COLUMN=[FAMILY] FORMULA.", param_hint="--impute")
    return name, {"formula": f"~{formula}"} | ({"family": family.strip()} if family.strip() else {})


def _read_parameter(text: str) -> tuple[str, str]:
    """Return the parameter of a formula "zi ~ z", and the formula."""
    from bayesmixed.spec.files import as_spec

    name = text.partition("~")[0].strip()
    if "~" not in text or not name.isidentifier() or name in signature(as_spec).parameters:
        raise typer.BadParameter(f"'{text}' is not of the form PARAMETER ~ FORMULA.", param_hint="--parameter")
    return name, text


def takes_spec(command: Callable[..., None]) -> Callable[..., None]:
    """Return a command that has the arguments of `read_spec` in place of its first one, the spec of one response."""

    def read(**given: Any) -> Any:
        from bayesmixed.spec.joint_specs import JointSpec

        model = read_spec(**given)
        if isinstance(model, JointSpec):
            raise SpecError(
                f"'{given['spec']}' holds models of several responses, which this command does not take; show, check, simulate "
                "and fit do."
            )
        return model

    return with_arguments(command, next(iter(signature(command).parameters)), wraps(read_spec)(read))


def takes_any_spec(command: Callable[..., None]) -> Callable[..., None]:
    """Return a command that has the arguments of `read_spec` in place of its first one, of one response or several."""
    return with_arguments(command, next(iter(signature(command).parameters)), read_spec)


def with_arguments(command: Callable[..., None], name: str, read: Callable[..., Any]) -> Callable[..., None]:
    """Return a command with the arguments of `read` in place of the one that gets what it returns."""
    theirs, own = signature(read).parameters, signature(command).parameters

    @wraps(command)
    def run(**given: Any) -> None:
        made = read(**{argument: given.pop(argument) for argument in theirs})
        command(**{name: made}, **given)

    both = [one for key, parameter in own.items() for one in (theirs.values() if key == name else (parameter,))]
    both = [parameter.replace(kind=Parameter.KEYWORD_ONLY) for parameter in both]
    run.__dict__["__signature__"] = Signature(both)
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in both}
    return run


def split(text: str, option: str) -> tuple[str, str]:
    """Split NAME=VALUE; the name may hold an equals sign inside square brackets."""
    match = re.fullmatch(r"\s*([^\[=]+(?:\[.*\])?)\s*=\s*(.+)", text)
    if match is None:
        raise typer.BadParameter(f"'{text}' is not of the form NAME=VALUE.", param_hint=option)
    return match[1].strip(), match[2].strip()


def read_fit(path: Path) -> "Fit | JointFit":
    """Return the fit of a folder that `bayesmixed fit` wrote, or of a file, of one response or several.

    Raises
    ------
    DataError
        There is none.
    """
    from bayesmixed.atomic_files import as_path
    from bayesmixed.fits.files import load_fit
    from bayesmixed.report.result_folders import FIT

    file = path / FIT if as_path(path, "A fit").is_dir() else path
    if not file.is_file():
        raise DataError(f"There is no fit at '{file}'. Make one: bayesmixed fit SPEC --data FILE --out {path}")
    return load_fit(file)


def verify_fit(fit: "Fit | JointFit", refits: int | None) -> "Verification | None":
    """Return the verification of a fit, whose verdict is printed, or None."""
    from bayesmixed.calibration.verification import verify
    from bayesmixed.fits.fitting import Fit

    if refits is None:
        return None
    if not isinstance(fit, Fit):
        raise SpecError("--verify is for fits of one response, and this is of several: leave it out.")
    found = verify(fit, refits=refits)
    typer.echo(found.verdict)
    return found


def print_design(design: "Design") -> None:
    from bayesmixed.equations import write_equations

    if design.dropped:
        left = (
            "1 row with missing values was"
            if design.dropped == 1
            else f"{design.dropped} rows with missing values were"
        )
        typer.echo(f"note: {left} left out; {design.row_text} remain", err=True)
    typer.echo(write_equations(design))
