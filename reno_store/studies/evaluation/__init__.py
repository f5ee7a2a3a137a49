"""Cross-validation of the classifiers on what a store holds.

`protocols` says how folds are made, `splitters` hands them to scikit-learn, `outcomes` fits
and predicts one of them, `scores` says what that is worth, `crossvalidation` scores one
estimator over all, `classifiers` are those that have a name, `comparison` runs several of
them, models, protocols and seeds, which `checking` and `seeds` check, `repeats` puts the seeds
together, `tables` shows the result.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
