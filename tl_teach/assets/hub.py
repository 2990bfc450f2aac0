"""Files of the Hugging Face hub, which verifies them and keeps them in its own cache."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..wording import need
from .mirrors import TIMEOUT, reason
from .partfile import AssetError


def from_hub(repository: str, filename: str) -> Path:
    """
    Local path of a file that a repository of the hub publishes, fetched on first use.

    Parameters
    ----------
    repository : str
        Owner and name.
    filename : str
        The file's name in it.

    Returns
    -------
    Path
        In the hub's own cache.

    Raises
    ------
    ImportError
        If the hub's package is missing.
    AssetError
        If the file is not in the cache and cannot be had.
    """
    hub = _hub()
    if (kept := in_hub_cache(repository, filename)) is not None:
        return kept
    try:
        # Its own client tries for a minute before it says that there is no connection.
        import requests

        requests.head(hub.constants.ENDPOINT, timeout=TIMEOUT)
        return Path(hub.hf_hub_download(repository, filename))
    except Exception as error:  # the hub's client, and what it is built on, have their own kinds
        raise AssetError(
            f"Cannot get {filename} of {repository!r} from the Hugging Face hub "
            f"({reason(error)}); check the internet connection."
        ) from error


def in_hub_cache(repository: str, filename: str) -> Path | None:
    """
    Path of a file that the hub's client has fetched before, or None.

    Parameters
    ----------
    repository, filename : str
        See `from_hub`.
    """
    kept = _hub().try_to_load_from_cache(repository, filename)
    return Path(kept) if isinstance(kept, str) else None


def _hub() -> Any:
    return need("huggingface_hub", "text", "A network for texts")
