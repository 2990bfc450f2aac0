"""How does transfer learning work? A small library to see it and to do it.

A network is an ordered row of stages with a head at the end. Transfer asks of every stage: do we
copy it or start it new, and may it change? Everything here is one function away::

    import tl_teach as tl

    task = tl.load_task("handwriting", labels_per_class=5)
    net = tl.replace_head(tl.load_network("letters-resnet"), task)
    tl.freeze(net, through="block2")
    tl.show_network(net)
    tl.fit(net, task, epochs=10)
    tl.evaluate(net, task.validation)

Importing this module imports nothing heavy; each name brings what it needs when it is first used.
"""

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

from .version import __version__

if TYPE_CHECKING:
    from .adapt import adapt as adapt
    from .discover import choose_k as choose_k
    from .discover import cka as cka
    from .discover import cluster as cluster
    from .discover import cluster_scores as cluster_scores
    from .discover import embed as embed
    from .discover import leep as leep
    from .discover import linear_probe as linear_probe
    from .discover import logme as logme
    from .discover import nearest as nearest
    from .discover import outliers as outliers
    from .discover import retrieval_precision as retrieval_precision
    from .explore import explore_embedding as explore_embedding
    from .explore import explore_feature_maps as explore_feature_maps
    from .explore import explore_network as explore_network
    from .explore import explore_shift as explore_shift
    from .explore import explore_study as explore_study
    from .explore import explore_training as explore_training
    from .learning import Phase as Phase
    from .learning import Recipe as Recipe
    from .learning import baseline as baseline
    from .learning import choose_threshold as choose_threshold
    from .learning import claim as claim
    from .learning import compare as compare
    from .learning import evaluate as evaluate
    from .learning import extract_features as extract_features
    from .learning import final_exam as final_exam
    from .learning import gradual_unfreezing as gradual_unfreezing
    from .learning import lr_range_test as lr_range_test
    from .learning import mean_interval as mean_interval
    from .learning import paired_difference as paired_difference
    from .learning import probe_then_fine_tune as probe_then_fine_tune
    from .learning import tune as tune
    from .learning.fit import fit as fit
    from .learning.reveal import reveal as reveal
    from .networks import Network as Network
    from .networks import export_network as export_network
    from .networks import fingerprint as fingerprint
    from .networks import freeze as freeze
    from .networks import list_networks as list_networks
    from .networks import load_first_available as load_first_available
    from .networks import load_network as load_network
    from .networks import open_network as open_network
    from .networks import replace_head as replace_head
    from .networks import save_network as save_network
    from .networks import unfreeze as unfreeze
    from .show import show_attention as show_attention
    from .show import show_calibration as show_calibration
    from .show import show_change as show_change
    from .show import show_cka as show_cka
    from .show import show_clusters as show_clusters
    from .show import show_confusion as show_confusion
    from .show import show_embedding as show_embedding
    from .show import show_errors as show_errors
    from .show import show_examples as show_examples
    from .show import show_feature_maps as show_feature_maps
    from .show import show_filters as show_filters
    from .show import show_grad_cam as show_grad_cam
    from .show import show_history as show_history
    from .show import show_integrated_gradients as show_integrated_gradients
    from .show import show_layers as show_layers
    from .show import show_lr_range as show_lr_range
    from .show import show_neighbours as show_neighbours
    from .show import show_network as show_network
    from .show import show_receptive_field as show_receptive_field
    from .show import show_scores as show_scores
    from .show import show_study as show_study
    from .show import show_token_importance as show_token_importance
    from .show import show_top_images as show_top_images
    from .tasks import as_target as as_target
    from .tasks import load_domains as load_domains
    from .tasks import load_task as load_task
    from .tasks import make_task as make_task
    from .tasks import shift as shift
    from .tasks.audit import audit as audit

# Type checkers read the names above; this table says where each is when it is first used.
_WORDS = {
    "tasks": "as_target audit load_domains load_task make_task shift",
    "networks": """
        Network export_network fingerprint freeze list_networks load_first_available
        load_network open_network replace_head save_network unfreeze
    """,
    "learning": """
        Phase Recipe baseline choose_threshold claim compare evaluate extract_features
        final_exam fit gradual_unfreezing lr_range_test mean_interval paired_difference
        probe_then_fine_tune tune reveal
    """,
    "adapt": "adapt",
    "discover": """
        choose_k cka cluster cluster_scores embed leep linear_probe logme nearest outliers
        retrieval_precision
    """,
    "show": """
        show_attention show_calibration show_change show_cka show_clusters show_confusion
        show_embedding show_errors show_examples show_feature_maps show_filters
        show_grad_cam show_history show_integrated_gradients show_layers show_lr_range
        show_neighbours show_network show_receptive_field show_scores show_study
        show_token_importance show_top_images
    """,
    "explore": """
        explore_embedding explore_feature_maps explore_network explore_shift explore_study
        explore_training
    """,
}
_ROOMS = {room: words.split() for room, words in _WORDS.items()}
_ROOM_OF = {name: room for room, names in _ROOMS.items() for name in names}

__all__ = ["__version__", *sorted(_ROOM_OF)]


def __getattr__(name: str) -> Any:
    if name not in _ROOM_OF:
        from .wording import unknown

        raise AttributeError(unknown("public name in tl_teach", name, sorted(_ROOM_OF)))
    return getattr(import_module(f"{__name__}.{_ROOM_OF[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)


class _Package(ModuleType):
    """The room ``adapt`` has the name of its function; ``tl.adapt`` always is the function."""

    def __setattr__(self, name: str, value: Any) -> None:
        if not (name in _ROOM_OF and isinstance(value, ModuleType)):
            super().__setattr__(name, value)

    def __reduce__(self) -> tuple[Any, ...]:
        """A function that says ``tl`` may go to another process, which has its own."""
        return import_module, (self.__name__,)


sys.modules[__name__].__class__ = _Package
