"""Pictures that look the same: near duplicates, found by a perceptual hash."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import torch

from .images import Images
from .preprocess import Preprocess

SIMILARITY = 0.99
_SMALL = Preprocess(size=16, channels=1, mean=(0.0,), std=(1.0,))
_CELLS = 9  # a side
_BITS = 2 * _CELLS * (_CELLS - 1)  # each cell is compared with the next to the right and down
_MOST_BITS = 20  # of these 144 that may differ
_ROWS = 1024  # compared with all the others at a time, to bound the memory


def near_duplicate_groups(
    images: Images, indices: Iterable[int] | None = None, similarity: float = SIMILARITY
) -> np.ndarray:
    """Put pictures that look the same into one group, for the groups of a `Collection`.

    Parameters
    ----------
    images : Images
        The pictures.
    indices : iterable of int, optional
        Which of them to compare; all by default.
    similarity : float
        Correlation from which two pictures look the same, see `near_duplicates`. A pair too many
        in one group does no harm, so it may be smaller here than where pairs are counted.

    Returns
    -------
    numpy.ndarray
        The number of each picture's group, shape (N,). What looks like one member of a group is a
        member.

    Examples
    --------
    >>> from tl_teach.tasks import ArrayImages
    >>> noise = np.random.default_rng(0).integers(0, 200, (3, 16, 16), dtype=np.uint8)
    >>> noise[2] = noise[0] + 9  # the same picture, a little brighter
    >>> near_duplicate_groups(ArrayImages(noise)).tolist()
    [0, 1, 0]
    """
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    chosen = range(len(images)) if indices is None else indices
    small = small_greys(images.pixels(int(index)) for index in chosen)
    first, second = near_duplicates(small, similarity).T
    size = (len(small), len(small))
    linked = coo_matrix((np.ones(len(first)), (first, second)), shape=size)
    return connected_components(linked, directed=False)[1]


def near_duplicates(small: np.ndarray, similarity: float = SIMILARITY) -> np.ndarray:
    """Find all pairs of pictures that look the same.

    Of each picture a hash of 144 bits says where it gets brighter to the right and downwards.
    Pairs whose hashes differ in at most 20 bits are compared themselves: they look the same if
    their correlation reaches `similarity`.

    Parameters
    ----------
    small : numpy.ndarray
        What `small_greys` made of the pictures, shape (N, 16, 16).
    similarity : float
        Correlation from which two pictures look the same, 0..1.

    Returns
    -------
    numpy.ndarray
        Positions of the two pictures of each pair, the smaller one first, shape (pairs, 2).

    Notes
    -----
    It finds pictures that were saved anew as JPEG, resized, or made brighter or darker; it does
    not find mirrored, turned, or noticeably cropped ones. Among different pictures, falsely: 2 of
    a million pairs of handwritten digits (thin ones look alike), none of the 68,265 pairs of 370
    photographs of pets, but 2 of 10,000 pairs of solar cells, which hardly differ. A picture of
    one colour looks like no other.

    References
    ----------
    Krawetz (2013), "Kind of Like That",
    https://www.hackerfactor.com/blog/index.php?/archives/529-Kind-of-Like-That.html
    """
    bits, unit = _hashes(small), _normalised(small)
    pairs = [np.empty((0, 2), dtype=np.int64)]
    for start in range(0, len(small), _ROWS):
        # Of rows of -1 and 1, the product counts the equal bits less the different ones.
        differ = (_BITS - bits[start : start + _ROWS] @ bits[start:].T) / 2
        same = differ <= _MOST_BITS
        same &= unit[start : start + _ROWS] @ unit[start:].T >= similarity
        pairs.append(start + np.argwhere(np.triu(same, 1)))
    return np.concatenate(pairs)


def small_greys(pictures: Iterable[torch.Tensor]) -> np.ndarray:
    """Shrink pictures to what is compared: the central square in 16 x 16 grey pixels.

    Parameters
    ----------
    pictures : iterable of torch.Tensor
        uint8 tensors of shape (C, H, W), of any sizes.

    Returns
    -------
    numpy.ndarray
        float32 values of shape (N, 16, 16).
    """
    from tqdm import tqdm

    seen = tqdm(pictures, "comparing pictures", unit="picture", leave=False, delay=1)
    small = [_SMALL(picture)[0] for picture in seen]
    return torch.stack(small).numpy() if small else np.empty((0, *_SMALL.shape[1:]), np.float32)


def _hashes(small: np.ndarray) -> np.ndarray:
    """Rows of -1 and 1: 1 where a picture gets brighter from one cell to the next."""
    cells = torch.nn.functional.adaptive_avg_pool2d(torch.from_numpy(small)[:, None], _CELLS)
    down, right = (np.diff(cells[:, 0].numpy(), axis=axis) for axis in (1, 2))
    steps = np.concatenate([down, right.swapaxes(1, 2)], axis=1).reshape(len(small), _BITS)
    return np.where(steps > 0, np.float32(1), np.float32(-1))


def _normalised(small: np.ndarray) -> np.ndarray:
    """Rows of length 1 whose products are correlations; a picture of one colour is 0."""
    rows = small.reshape(len(small), _SMALL.size**2)
    rows = rows - rows.mean(axis=1, keepdims=True)
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-3)
