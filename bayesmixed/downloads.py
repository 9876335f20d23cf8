"""Files that are fetched on request and kept on this machine."""

import os
from pathlib import Path

from bayesmixed.errors import DataError

FOLDER_VARIABLE = "BAYESMIXED_DATA"


def fetch(address: str, checksum: str = "", *, timeout: float = 30.0) -> Path:
    """Return the path of a file, downloaded the first time and kept.

    Files are kept in the folder that the environment variable BAYESMIXED_DATA names, else in the user's cache.

    Parameters
    ----------
    address : str
        Where the file lies (https).
    checksum : str
        "sha256:..." of the file, which is then verified; "" where it is not known.
    timeout : float
        Seconds to wait for an answer.

    Raises
    ------
    DataError
        The file cannot be fetched, or is another one than expected.
    """
    import pooch
    from requests.exceptions import RequestException

    folder = download_folder()
    name = address.rpartition("/")[2]
    try:
        downloader = pooch.HTTPDownloader(timeout=timeout)
        path = pooch.retrieve(address, checksum or None, fname=name, path=folder, downloader=downloader)
    except ValueError as error:
        raise DataError(
            f"The file at {address} is not the expected one: its checksum differs from {checksum}."
        ) from error
    except (RequestException, OSError) as error:
        raise DataError(
            f"{address} cannot be fetched ({type(error).__name__}). The file is needed once, then it is kept in '{folder}'. "
            f"Try again with an internet connection, or put the file there by hand under the name '{name}'."
        ) from error
    return Path(path)


def download_folder() -> Path:
    """Return the folder in which fetched files are kept."""
    import pooch

    chosen = os.environ.get(FOLDER_VARIABLE)
    return Path(chosen).absolute() if chosen else Path(pooch.os_cache("bayesmixed"))
