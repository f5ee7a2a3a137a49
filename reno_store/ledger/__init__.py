"""The ledger: outcomes of folds, kept when finished, found again by what went in."""
