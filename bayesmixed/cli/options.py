"""What commands have in common: options, and a spec, a design or a fit from them."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from bayesmixed.errors import DataError

if TYPE_CHECKING:
    from bayesmixed.design import Design
    from bayesmixed.fitting import Fit
    from bayesmixed.spec import ModelSpec


def complete_spec(begun: str) -> list[str]:
    """Return the shipped names that begin so, for the shell."""
    from bayesmixed.spec_files import list_specs

    return [name for name in list_specs() if name.startswith(begun)]


Spec = Annotated[
    str,
    typer.Argument(metavar="SPEC", help="Shipped name, TOML file, or formula in quotes.", autocompletion=complete_spec),
]
Data = Annotated[Path, typer.Option("--data", help="Table: .csv, .tsv, .txt (also .gz) or .parquet.")]
Family = Annotated[
    str | None, typer.Option(help="Distribution of the response, with a formula (gaussian if not given).")
]
Priors = Annotated[
    list[str] | None, typer.Option("--prior", metavar="NAME=PRIOR", help='E.g. "sd_herd=HalfNormal(1)". Repeatable.')
]
Links = Annotated[list[str] | None, typer.Option("--link", metavar="[PARAMETER=]LINK", help="E.g. probit. Repeatable.")]
Factors = Annotated[
    list[str] | None, typer.Option("--factor", metavar="COLUMN", help="Number column that is a factor. Repeatable.")
]
Crossed = Annotated[
    list[str] | None,
    typer.Option(metavar="COLUMN", help="Grouping factor with the same units wherever its labels recur. Repeatable."),
]
Missing = Annotated[Literal["error", "drop"], typer.Option(help="What to do with rows that miss a value.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs instead of text for people.")]
Seed = Annotated[int | None, typer.Option(help="The same seed gives the same numbers (a new one if not given).")]
Folder = Annotated[Path, typer.Argument(metavar="DIR", help="Folder that `bayesmixed fit` wrote, or a .nc file.")]


def read_spec(
    text: str,
    family: str | None,
    priors: Iterable[str] | None,
    links: Iterable[str] | None,
    factors: Iterable[str] | None,
    crossed: Iterable[str] | None,
) -> "ModelSpec":
    from bayesmixed.families import find_family
    from bayesmixed.spec_files import as_spec

    spec = as_spec(text, family=family)
    if "~" in text and family is None:
        typer.echo(f"note: no --family given: family {find_family(spec.family).name} is assumed", err=True)
    first = find_family(spec.family).parameters[0].name
    chosen = [split(link, "--link") if "=" in link else (first, link) for link in links or ()]
    given = [split(prior, "--prior") for prior in priors or ()]
    spec = as_spec(spec, priors=dict(given), links=dict(chosen), crossed=tuple(crossed or ()))
    return spec.model_copy(update={"factors": tuple(dict.fromkeys([*spec.factors, *(factors or ())]))})


def split(text: str, option: str) -> tuple[str, str]:
    """Split NAME=VALUE; the name may hold an equals sign inside square brackets."""
    match = re.fullmatch(r"\s*([^\[=]+(?:\[.*\])?)\s*=\s*(.+)", text)
    if match is None:
        raise typer.BadParameter(f"'{text}' is not of the form NAME=VALUE.", param_hint=option)
    return match[1].strip(), match[2].strip()


def read_fit(path: Path) -> "Fit":
    """Return the fit of a folder that `bayesmixed fit` wrote, or of a file.

    Raises
    ------
    DataError
        There is none.
    """
    from bayesmixed.fit_files import load_fit
    from bayesmixed.results import FIT

    file = path / FIT if path.is_dir() else path
    if not file.is_file():
        raise DataError(f"There is no fit at '{file}'. Make one: bayesmixed fit SPEC --data FILE --out {path}")
    return load_fit(file)


def read_design(spec: "ModelSpec", path: Path, missing: str) -> "Design":
    from bayesmixed.preparation import prepare

    return prepare(spec, path, missing=missing, stream=False)


def print_design(design: "Design") -> None:
    from bayesmixed.equations import write_equations

    if design.dropped:
        typer.echo(f"note: {design.dropped} rows with missing values were left out; {design.rows} remain", err=True)
    typer.echo(write_equations(design))
