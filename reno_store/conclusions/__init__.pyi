from .claims import CLAIMS, Claim, Tally, claims_of, summary
from .comparisons import Comparison, compare_study
from .corrected import (
    CorrectedTest,
    Resamples,
    adjust_holm,
    paired_test,
    unpaired_test,
)
from .sentences import probe_sentences
from .transfer import transfer_sentences

__all__ = [
    "CLAIMS",
    "Claim",
    "Comparison",
    "CorrectedTest",
    "Resamples",
    "Tally",
    "adjust_holm",
    "claims_of",
    "compare_study",
    "paired_test",
    "probe_sentences",
    "summary",
    "transfer_sentences",
    "unpaired_test",
]
