"""What a study allows one to conclude: corrected tests of differences, and the paper's claims.

`corrected` holds the statistics and knows no study. `resampling` prepares the folds of cells
for them, `comparisons` finds the cells to compare, tests them and adjusts the p-values,
`sentences` puts the results into words. `claims` checks the paper's claims and sums a study
up, `transfer` does so for pairs of corpora, `grids` for a grid of hyperparameters. `names` is
what cells are called.
"""

from reno_store.conclusions.claims import CLAIMS, Claim, Tally, claims_of, summary
from reno_store.conclusions.comparisons import Comparison, compare_study
from reno_store.conclusions.corrected import (
    CorrectedTest,
    Resamples,
    adjust_holm,
    paired_test,
    unpaired_test,
)
from reno_store.conclusions.sentences import probe_sentences
from reno_store.conclusions.transfer import transfer_sentences

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
