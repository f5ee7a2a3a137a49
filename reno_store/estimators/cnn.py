"""CNNClassifier: convolutions over one model's embedding."""

from __future__ import annotations

from typing import Any

from reno_store.estimators.base import EmbeddingClassifier
from reno_store.estimators.networks import CNN
from reno_store.estimators.weighting import ClassWeight

__all__ = ["CNNClassifier"]


class CNNClassifier(EmbeddingClassifier):
    """The paper's CNN: two convolutional blocks, then the layers of the FCN (section III).

    Parameters
    ----------
    n_tokens : int or None
        Positions left after pooling. None pools by 2 after each convolution, as the paper
        says; a number pools adaptively to at most so many. 26 gives the paper's number of
        parameters and loses information: see docs/readings.md.
    dropout, input_dropout, lr, batch_size, max_epochs, early_stopping, \
validation_fraction, n_iter_no_change, class_weight, device, random_state, verbose
        As for `FCNClassifier`.

    Attributes
    ----------
    n_tokens_ : int
        Positions that are left, after fit.
    classes_, history_, n_epochs_, best_epoch_, n_parameters_, network_
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

    def __init__(
        self,
        *,
        n_tokens: int | None = None,
        dropout: float = 0.3,
        input_dropout: float = 0.3,
        lr: float = 1e-3,
        batch_size: int = 32,
        max_epochs: int = 20,
        early_stopping: bool = True,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 10,
        class_weight: ClassWeight = None,
        device: str = "cpu",
        random_state: Any = None,
        verbose: int = 0,
    ) -> None:
        self.n_tokens = n_tokens
        self.dropout = dropout
        self.input_dropout = input_dropout
        self.lr = lr
        self.batch_size = batch_size
        self.max_epochs = max_epochs
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.class_weight = class_weight
        self.device = device
        self.random_state = random_state
        self.verbose = verbose

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
