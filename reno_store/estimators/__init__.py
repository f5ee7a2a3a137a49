"""The paper's four classifiers as scikit-learn estimators.

Each file with a classifier's name holds that classifier; `base` is what they share,
`blocks` finds which columns belong to which model, `parameters` checks hyperparameters,
`holdout` picks the rows for early stopping, and `training` is the one place that knows
skorch. `together` fits many at once: `stacking` on a GPU, `plain_fits` elsewhere.
"""

from reno_store.estimators.cnn import CNNClassifier
from reno_store.estimators.concat import ConcatClassifier
from reno_store.estimators.fcn import FCNClassifier
from reno_store.estimators.reno import RENOClassifier

__all__ = ["CNNClassifier", "ConcatClassifier", "FCNClassifier", "RENOClassifier"]
