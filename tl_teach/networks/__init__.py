"""Networks as rows of stages with a head; freezing; a new head; weights."""

from .change import StageChange, stage_change
from .freezing import freeze, unfreeze
from .heads import pooled_head, replace_head
from .letters_resnet import ResidualBlock, letters_resnet
from .load import NETWORKS, Architecture, fingerprint, load_network, save_network
from .mobilenet import mobilenet_v2
from .network import Network, require_network
from .safetensors import WeightsError, load_safetensors, save_safetensors
from .seeding import seeded

__all__ = [
    "NETWORKS",
    "Architecture",
    "Network",
    "ResidualBlock",
    "StageChange",
    "WeightsError",
    "fingerprint",
    "freeze",
    "letters_resnet",
    "load_network",
    "load_safetensors",
    "mobilenet_v2",
    "pooled_head",
    "replace_head",
    "require_network",
    "save_network",
    "save_safetensors",
    "seeded",
    "stage_change",
    "unfreeze",
]
