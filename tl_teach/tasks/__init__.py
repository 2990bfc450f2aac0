"""Data, as tasks with train, validation and a sealed test."""

from .catalogue import TASKS, load_task
from .domains import DOMAINS, Domains, load_domains
from .images import ArrayImages, Images, ZippedImages
from .preprocess import Preprocess, as_pixels
from .shifts import shift
from .split import SealedError, SealedSplit, Split, TaskInfo, require_split
from .target import Target, as_target
from .task import Collection, Task, divide, require_task

__all__ = [
    "DOMAINS",
    "TASKS",
    "ArrayImages",
    "Collection",
    "Domains",
    "Images",
    "Preprocess",
    "SealedError",
    "SealedSplit",
    "Split",
    "Target",
    "Task",
    "TaskInfo",
    "ZippedImages",
    "as_pixels",
    "as_target",
    "divide",
    "load_domains",
    "load_task",
    "require_split",
    "require_task",
    "shift",
]
