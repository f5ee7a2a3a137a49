"""Grid search over the classifiers, with all of its fits done together.

`search` is the drop-in for scikit-learn's GridSearchCV, `checking` refuses grids that cannot
be searched, `planning` says which candidates can be fitted together and why others cannot,
`preparation` makes one table of what all splits train on, `training` fits on it, and
`handover` lets scikit-learn score what is fitted already.
"""

from reno_store.estimators.searching.planning import PlainFitsWarning
from reno_store.estimators.searching.search import RENOGridSearchCV

__all__ = ["PlainFitsWarning", "RENOGridSearchCV"]
