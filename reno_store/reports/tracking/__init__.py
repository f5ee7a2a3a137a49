"""Studies in experiment trackers, through the trackers' own libraries.

`records` has what is logged of a study, the same for every tracker: parameters, scores, tables
and figures. `trackers` is the table of trackers, with the interface that one must have;
`mlflow_tracker` is the one for MLflow.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
