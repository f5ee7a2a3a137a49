"""CNNClassifier: convolutions over one model's embedding."""

from __future__ import annotations

from dataclasses import dataclass

from reno_store.estimators.base import EmbeddingClassifier
from reno_store.estimators.networks import CNN

__all__ = ["CNNClassifier"]


@dataclass(kw_only=True, eq=False, repr=False)
class CNNClassifier(EmbeddingClassifier):
    """The paper's CNN: two convolutional blocks, then the layers of the FCN (section III).

    Parameters
    ----------
    n_tokens : int or None
        Positions left after pooling. None pools by 2 after each convolution, as the paper
        says; a number pools adaptively to at most that many. 26 gives the paper's number of
        parameters and loses information: see docs/readings.md.
    dropout, input_dropout, lr, batch_size, max_epochs, early_stopping, \
validation_fraction, n_iter_no_change, class_weight, device, random_state, verbose
        As for `FCNClassifier`.

    Attributes
    ----------
    n_tokens_ : int
        Positions left, after fit.
    classes_, history_, n_epochs_, best_epoch_, collapsed_, n_parameters_, network_
        As for `FCNClassifier`.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> y = np.repeat(["cry", "laugh"], 20)
    >>> X = rng.normal(size=(40, 16)) + (y == "cry")[:, None]
    >>> CNNClassifier(random_state=0).fit(X, y).predict(X[:1]).tolist()
    ['cry']
    """

    n_tokens: int | None = None

    def _network(self, n_features: int) -> CNN:
        network = CNN(
            n_features,
            len(self.classes_),
            n_tokens=self.n_tokens,
            dropout=self.dropout,
            input_dropout=self.input_dropout,
        )
        self.n_tokens_ = network.n_tokens
        return network
