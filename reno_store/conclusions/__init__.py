"""What a study allows one to conclude: corrected tests of differences, the paper's claims.

`corrected` is the statistics and knows no study, `candidates` says which cells stand
against which, `resampling` takes their folds, `comparing` tests and adjusts, `sentences`
puts it into words; `claims` holds the paper's claims against that (`tallies` counts,
`omissions` says why nothing could be tested), `probes` says where networks do not beat
logistic regression, and `summaries` opens a report with all of them.
"""

from reno_store.conclusions.claims import CLAIMS, Claim, claims_of
from reno_store.conclusions.comparing import compare_study
from reno_store.conclusions.comparisons import Comparison
from reno_store.conclusions.corrected import (
    CorrectedTest,
    Resamples,
    adjust_holm,
    paired_test,
    unpaired_test,
)
from reno_store.conclusions.probes import probe_sentences
from reno_store.conclusions.summaries import summary
from reno_store.conclusions.tallies import Tally

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
    "unpaired_test",
]
