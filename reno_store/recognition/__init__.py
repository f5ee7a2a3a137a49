"""A trained classifier as a folder, and predictions for new recordings.

`training` fits a classifier on the embeddings of a store, `calibration` scales its probabilities,
`card` describes it for people, with a `hub_header`; `requests` has the study whose scores it shows.
A `recognizer` embeds recordings with its `models` and predicts. `folder` writes it and reads it
again, with its `config`, and `networks` and `scikit` for the two kinds of classifiers; `targets`
checks folders first. `finding` lists recordings, `predicting` streams predictions, `timelines`
predicts long recordings window by window, `outputs` writes the results. `hub` finds recognizers on
the Hugging Face hub, `sharing` pushes and pulls them.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
