"""Studies: the paper's tables and more, cell by cell, each fold kept when it is finished.

`requests` is what is asked, `models` says of which models and pairs, `preparation` loads a
dataset and cuts its folds, `planning` lists cells and their folds, `recipes` says what a
fold's outcome depends on, `folds` finds folds in the ledger or trains them, `running` makes
a study of them, `recalling` the last one without training (`last_request` finds which that
was), `study` is what comes out, `paper_values` is what the paper printed.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
