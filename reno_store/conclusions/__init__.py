"""What a study allows one to conclude: corrected tests of differences, and the paper's claims.

`corrected` holds the statistics and knows no study. `resampling` prepares the folds of cells
for them, `comparisons` finds the cells to compare, tests them and adjusts the p-values,
`sentences` puts the results into words. `claims` checks the paper's claims and sums a study
up, `transfer` does so for pairs of corpora, `grids` for a grid of hyperparameters. `names` is
what cells are called.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
