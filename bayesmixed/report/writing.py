"""write_report: a report on a fit of one response or several as HTML files."""

from pathlib import Path

from bayesmixed.arguments import takes_drawn_values
from bayesmixed.atomic_files import check_place, replace_file
from bayesmixed.calibration.certificates import Verification
from bayesmixed.errors import SpecError
from bayesmixed.fits.fitting import Fit
from bayesmixed.fits.joint_fits import JointFit
from bayesmixed.report.documents import write_document
from bayesmixed.report.joint_documents import write_joint_documents


@takes_drawn_values(tables="rows")
def write_report(
    fit: Fit | JointFit, path: str | Path, *, data: str | None = None, verification: Verification | None = None
) -> Path:
    """Write a report on a fit as one HTML file, which needs no network, and return its path.

    A chapter that does not apply to the model gives the reason instead.

    Parameters
    ----------
    fit : Fit or JointFit
        The fitted model; of several responses the page has what they have in common, and links to a page of each beside it,
        "both-y1.html".
    path : str or Path
        File to be written; an earlier one is replaced as a whole.
    data : str, optional
        Name of the file of the data, for the code that fits the model again; that which the rows were read from if not
        given.
    verification : Verification, optional
        That of this fit, for a chapter of its own.

    Raises
    ------
    SpecError
        The verification is that of another fit.
    DataError
        The file cannot be written.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import bayesmixed as bm
    >>> fit = bm.load_fit("herd_period")
    >>> path = bm.write_report(fit, pathlib.Path(tempfile.mkdtemp(), "herds.html"))
    >>> path.name
    'herds.html'
    """
    check_place(path, "The report")
    if isinstance(fit, JointFit):
        if verification is not None:
            raise SpecError("A verification is of a fit of one response; leave it out.")
        for place, text in write_joint_documents(fit, Path(path), data).items():
            replace_file(place, text, "The report")
        return Path(path)
    if verification is not None:
        verification.check(fit)
    return replace_file(path, write_document(fit, data, verification), "The report")
