"""Learning and judging: fit, the frozen prefix, evaluation, the exam, claims."""

from .claims import ClaimError, claim
from .evaluation import Evaluation, baseline, evaluate
from .exam import final_exam
from .features import Features, extract_features
from .fit import fit
from .history import History
from .intervals import Interval, mean_interval
from .pretraining import pretrain
from .reveal import Revealed, reveal

__all__ = [
    "ClaimError",
    "Evaluation",
    "Features",
    "History",
    "Interval",
    "Revealed",
    "baseline",
    "claim",
    "evaluate",
    "extract_features",
    "final_exam",
    "fit",
    "mean_interval",
    "pretrain",
    "reveal",
]
