"""
Where bytes come from: the files that the library fetches on first use.

Each `Asset` of the `catalogue` has a licence, a citation, a size, a checksum and its mirrors. The
local cache is looked at first (``TL_TEACH_CACHE``, else the user's cache folder), then the folder
in ``TL_TEACH_MIRROR``, then files that packages ship, then the publisher's own address. Whichever
mirror answers, the bytes are the same or they are refused.

Examples
--------
>>> from tl_teach import assets
>>> assets.catalogue["elpv-dataset"].licence
'CC BY-NC-SA 4.0'
"""

from .cache import Status, folder, mirror, path, present, status, verify
from .entries import Asset, catalogue
from .hub import from_hub, in_hub_cache
from .mirrors import Download
from .partfile import AssetError

__all__ = [
    "Asset",
    "AssetError",
    "Download",
    "Status",
    "catalogue",
    "folder",
    "from_hub",
    "in_hub_cache",
    "mirror",
    "path",
    "present",
    "status",
    "verify",
]
