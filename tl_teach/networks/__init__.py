"""Networks as rows of stages with a head; freezing; a new head; weights."""

from .change import StageChange, stage_change
from .export import export_network
from .families import FAMILIES, FirstToken
from .freezing import freeze, unfreeze
from .heads import pooled_head, replace_head
from .letters_resnet import ResidualBlock, letters_resnet
from .listing import list_networks
from .load import NETWORKS, load_first_available, load_network, open_network
from .network import Network, require_network
from .safetensors import WeightsError, load_safetensors, save_safetensors
from .saved import fingerprint, save_network
from .seeding import seeded
from .text import TEXT_FAMILIES, LastToken, MeanOfTokens, TokenEmbeddings, TokenLayer

__all__ = [
    "FAMILIES",
    "NETWORKS",
    "TEXT_FAMILIES",
    "FirstToken",
    "LastToken",
    "MeanOfTokens",
    "Network",
    "ResidualBlock",
    "StageChange",
    "TokenEmbeddings",
    "TokenLayer",
    "WeightsError",
    "export_network",
    "fingerprint",
    "freeze",
    "letters_resnet",
    "list_networks",
    "load_first_available",
    "load_network",
    "load_safetensors",
    "open_network",
    "pooled_head",
    "replace_head",
    "require_network",
    "save_network",
    "save_safetensors",
    "seeded",
    "stage_change",
    "unfreeze",
]
