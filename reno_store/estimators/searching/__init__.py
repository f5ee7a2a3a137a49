"""Grid search over the classifiers that fits all candidates and splits together.

`search` is the drop-in for scikit-learn's GridSearchCV. `checking` rejects invalid grids,
`planning` finds the candidates that can be fitted together, `preparation` makes one table of
the training sides, `training` fits on it, and `candidates` lets scikit-learn score the fits.
"""

from reno_store.estimators.searching.planning import PlainFitsWarning
from reno_store.estimators.searching.search import RENOGridSearchCV

__all__ = ["PlainFitsWarning", "RENOGridSearchCV"]
