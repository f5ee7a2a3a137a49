"""Studies: cross-validated classifiers on the embeddings of a store, each fold kept.

A request (`requests`, with `settings`; `evaluation_requests` for `evaluate_store`) names
datasets, models, estimators (`classifiers`),
protocols and seeds. `preparation` loads a dataset and divides it into folds (`protocols`),
`planning` lists cells and their folds, `recipes` has all that a fold's outcome depends on.
`running` finds kept folds in the `ledger` and has the others trained: `training` on a CPU,
`stacking` on a GPU, `fold_locks` among several processes; `fold_workers` are processes, or those
of a cluster. A `study` is the result, with its `cells`; `evaluation` and `grid` are views of it.
`label_maps` has common words for the labels of several datasets, `corpus_pairs` lists which of
them are trained on and tested, `corpus_preparation` prepares each pair as a dataset,
`corpus_splitter` divides rows. `last_request` finds the last request again. `predictions` finds
out what was predicted for each clip. `paper_values` has the paper's numbers.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
