"""Data, as tasks with train, validation and a sealed test."""

from .audit import Audit, audit
from .catalogue import TASKS, load_task
from .division import divide
from .domains import DOMAINS, Domains, load_domains
from .images import ArrayImages, Images, ZippedImages
from .near import near_duplicate_groups
from .own.files import FileImages
from .own.held import make_task
from .preprocess import Preprocess, as_pixels
from .report import Problem, Report
from .shifts import shift
from .split import SealedError, SealedSplit, Split, TaskInfo, require_split
from .target import Target, as_target
from .task import Collection, Task, require_task
from .text import Texts
from .tokens import (
    UNCASED,
    AnyPreprocess,
    TextPreprocess,
    reads_texts,
    require_pictures,
)

__all__ = [
    "DOMAINS",
    "TASKS",
    "UNCASED",
    "AnyPreprocess",
    "ArrayImages",
    "Audit",
    "Collection",
    "Domains",
    "FileImages",
    "Images",
    "Preprocess",
    "Problem",
    "Report",
    "SealedError",
    "SealedSplit",
    "Split",
    "Target",
    "Task",
    "TaskInfo",
    "TextPreprocess",
    "Texts",
    "ZippedImages",
    "as_pixels",
    "as_target",
    "audit",
    "divide",
    "load_domains",
    "load_task",
    "make_task",
    "near_duplicate_groups",
    "reads_texts",
    "require_pictures",
    "require_split",
    "require_task",
    "shift",
]
