"""Pictures; every one describes itself in words."""

from .attention import show_attention
from .calibration import show_calibration
from .change import show_change
from .cka import show_cka
from .clusters import show_clusters
from .confusion import show_confusion
from .curves import show_history, show_scores
from .embedding import show_embedding
from .errors import show_errors
from .examples import show_examples
from .feature_maps import show_feature_maps
from .filters import show_filters
from .grad_cam import show_grad_cam
from .integrated_gradients import show_integrated_gradients
from .layers import show_layers
from .lr_range import show_lr_range
from .neighbours import show_neighbours
from .network import show_network
from .picture import Picture
from .receptive_field import show_receptive_field
from .study import show_study
from .tokens import show_token_importance
from .top_images import show_top_images

__all__ = [
    "Picture",
    "show_attention",
    "show_calibration",
    "show_change",
    "show_cka",
    "show_clusters",
    "show_confusion",
    "show_embedding",
    "show_errors",
    "show_examples",
    "show_feature_maps",
    "show_filters",
    "show_grad_cam",
    "show_history",
    "show_integrated_gradients",
    "show_layers",
    "show_lr_range",
    "show_neighbours",
    "show_network",
    "show_receptive_field",
    "show_scores",
    "show_study",
    "show_token_importance",
    "show_top_images",
]
