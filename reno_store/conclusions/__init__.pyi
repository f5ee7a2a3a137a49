from .answer import Answer, answers_of
from .claims import CLAIMS, Claim, Tally, claims_of
from .comparisons import KINDS, Comparison, compare_study
from .corrected import (
    CorrectedTest,
    Resamples,
    adjust_holm,
    paired_test,
    unpaired_test,
)
from .guessing import Standing, standings_of
from .ranking import Ranked, rank_cells
from .sentences import verdict_words

__all__ = [
    "CLAIMS",
    "KINDS",
    "Answer",
    "Claim",
    "Comparison",
    "CorrectedTest",
    "Ranked",
    "Resamples",
    "Standing",
    "Tally",
    "adjust_holm",
    "answers_of",
    "claims_of",
    "compare_study",
    "paired_test",
    "rank_cells",
    "standings_of",
    "unpaired_test",
    "verdict_words",
]
