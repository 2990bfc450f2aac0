"""Domain adaptation without labels of the target, one file a method."""

from .adaptation import METHODS, Adaptation, adapt
from .coral import coral_align
from .signs import Signs, agreement, class_shares, entropy

__all__ = [
    "METHODS",
    "Adaptation",
    "Signs",
    "adapt",
    "agreement",
    "class_shares",
    "coral_align",
    "entropy",
]
