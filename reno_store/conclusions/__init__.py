"""What a study allows one to conclude: corrected tests of differences, the paper's claims."""

from reno_store.conclusions.claims import Claim
from reno_store.conclusions.comparisons import Comparison

__all__ = ["Claim", "Comparison"]
