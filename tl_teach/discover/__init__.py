"""What features tell without labels: clusters, neighbours, and which network to transfer."""

from .clusters import Clusters, KChoice, choose_k, cluster, cluster_scores
from .embedding import embed
from .neighbours import Neighbours, nearest, outliers, retrieval_precision
from .probes import linear_probe
from .transferability import cka, leep, logme

__all__ = [
    "Clusters",
    "KChoice",
    "Neighbours",
    "choose_k",
    "cka",
    "cluster",
    "cluster_scores",
    "embed",
    "leep",
    "linear_probe",
    "logme",
    "nearest",
    "outliers",
    "retrieval_precision",
]
