"""Interactive views: live where a kernel is, self-contained where none is."""

from .embedding import explore_embedding
from .feature_maps import explore_feature_maps
from .frame import Control, Explorer, View
from .network import explore_network
from .shift import explore_shift
from .study import explore_study
from .training import explore_training

__all__ = [
    "Control",
    "Explorer",
    "View",
    "explore_embedding",
    "explore_feature_maps",
    "explore_network",
    "explore_shift",
    "explore_study",
    "explore_training",
]
