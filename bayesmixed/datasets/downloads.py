"""Files that are fetched on request and kept on this machine."""

import os
from pathlib import Path

from bayesmixed.errors import DataError

FOLDER_VARIABLE = "BAYESMIXED_DATA"
MOST_BYTES = 20_000_000
"""Size up to which a file is fetched, far above that of every table of the catalogue."""


def fetch(address: str, checksum: str = "", *, timeout: float = 30.0) -> Path:
    """Return the path of a file, downloaded the first time and kept.

    Files are kept in the folder that the environment variable BAYESMIXED_DATA names, else in the user's cache.

    Parameters
    ----------
    address : str
        Address of the file (https).
    checksum : str
        "sha256:..." of the file, which is then verified; "" where it is not known.
    timeout : float
        Seconds to wait for an answer.

    Raises
    ------
    DataError
        The file cannot be fetched, or is not the expected one.
    """
    import pooch
    from requests.exceptions import RequestException

    folder = download_folder()
    name = address.rpartition("/")[2]
    try:
        path = pooch.retrieve(address, checksum or None, fname=name, path=folder, downloader=_Limited(timeout))
    except ValueError:
        raise DataError(f"The file at {address} is not the expected one: its checksum is not {checksum}.") from None
    except (RequestException, OSError) as error:
        raise DataError(
            f"{address} cannot be fetched ({type(error).__name__}): connect to the internet, or put the file into "
            f"'{folder}' under the name '{name}'."
        ) from None
    return Path(path)


class _Limited:
    """Download a file as pooch wants it, but stop when it is larger than `MOST_BYTES`."""

    def __init__(self, timeout: float) -> None:
        self.timeout = timeout

    def __call__(self, address: str, output: str | Path, source: object, check_only: bool = False) -> None:
        import requests

        with requests.get(address, stream=True, timeout=self.timeout) as answer, open(output, "wb") as file:
            answer.raise_for_status()
            for piece in answer.iter_content(1 << 16):
                file.write(piece)
                if file.tell() > MOST_BYTES:
                    raise DataError(f"The file at {address} is not the expected one: it exceeds {MOST_BYTES:,} bytes.")


def download_folder() -> Path:
    """Return the folder in which fetched files are kept."""
    import pooch

    chosen = os.environ.get(FOLDER_VARIABLE)
    return Path(chosen).absolute() if chosen else Path(pooch.os_cache("bayesmixed"))
