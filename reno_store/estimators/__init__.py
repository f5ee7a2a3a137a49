"""The paper's four classifiers as scikit-learn estimators.

Each file with a classifier's name holds that classifier; `base` is what they share,
`blocks` finds which columns belong to which model, `parameters` checks hyperparameters,
`holdout` picks the rows for early stopping, and `training` is the one place that knows
skorch. `together` fits many at once: `stacking` on a GPU, `plain_fits` elsewhere.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
