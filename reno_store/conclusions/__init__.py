"""What a study allows one to conclude: what is best, corrected tests, and the paper's claims.

`corrected` holds the statistics and knows no study. `resampling` prepares the folds of cells
for them. `guessing` tests each cell against guessing, `ranking` sorts cells into groups that
cannot be told apart, `comparisons` finds the cells to compare, tests them and adjusts the
p-values. `answer` puts these together for each dataset, `sentences`, `answer_sentences` and
`transfer` (pairs of corpora) put them into words. `claims` checks the paper's claims, `grids` is
about a grid of hyperparameters. `names` is what cells are called.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
