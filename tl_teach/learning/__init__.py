"""Learning and judging: fit, the frozen prefix, evaluation, the exam, claims."""

from .checkpoint import CheckpointError
from .claims import ClaimError, claim
from .evaluation import Evaluation, baseline, evaluate
from .exam import final_exam
from .features import Features, extract_features
from .fit import fit
from .history import History
from .intervals import Interval, mean_interval
from .lr_range import LrRange, lr_range_test
from .paired import choose_threshold, paired_difference
from .pretraining import pretrain
from .recipes import Phase, Recipe, gradual_unfreezing, probe_then_fine_tune
from .reveal import Revealed, reveal
from .studies import Study, compare
from .tuning import Tuning, tune

__all__ = [
    "CheckpointError",
    "ClaimError",
    "Evaluation",
    "Features",
    "History",
    "Interval",
    "LrRange",
    "Phase",
    "Recipe",
    "Revealed",
    "Study",
    "Tuning",
    "baseline",
    "choose_threshold",
    "claim",
    "compare",
    "evaluate",
    "extract_features",
    "final_exam",
    "fit",
    "gradual_unfreezing",
    "lr_range_test",
    "mean_interval",
    "paired_difference",
    "pretrain",
    "probe_then_fine_tune",
    "reveal",
    "tune",
]
