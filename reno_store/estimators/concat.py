"""ConcatClassifier: the paper's baseline for fusing models."""

from __future__ import annotations

from typing import Any

from reno_store.estimators.base import FusionClassifier
from reno_store.estimators.blocks import BlockSizes
from reno_store.estimators.networks import Concat
from reno_store.estimators.weighting import ClassWeight

__all__ = ["ConcatClassifier"]


class ConcatClassifier(FusionClassifier):
    """Fusion by concatenation: RENO without its attention and divergence (section IV-B).

    Parameters
    ----------
    block_sizes : Sequence[int], "even" or None
        Columns of each model's block of X; ``"even"`` halves X; None reads them from the
        names ``MODEL:i`` of a DataFrame's columns.
    n_tokens : int or None
        Positions left of each block, as for `CNNClassifier`.
    align_dim : int
        Width that each block is aligned to.
    dropout, input_dropout, lr, batch_size, max_epochs, early_stopping, \
validation_fraction, n_iter_no_change, class_weight, device, random_state, verbose
        As for `FCNClassifier`.

    Attributes
    ----------
    block_sizes_ : tuple of int
        Columns of each block, after fit.
    n_tokens_ : tuple of int
        Positions that are left of each block, after fit.
    classes_, history_, n_epochs_, best_epoch_, n_parameters_, network_
        As for `FCNClassifier`.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> y = np.repeat(["cry", "laugh"], 20)
    >>> X = rng.normal(size=(40, 24)) + (y == "cry")[:, None]
    >>> fusion = ConcatClassifier(block_sizes=(16, 8), random_state=0).fit(X, y)
    >>> fusion.predict(X[:1]).tolist()
    ['cry']
    """

    def __init__(
        self,
        *,
        block_sizes: BlockSizes = None,
        n_tokens: int | None = None,
        align_dim: int = 256,
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
        self.block_sizes = block_sizes
        self.n_tokens = n_tokens
        self.align_dim = align_dim
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

    def _network(self, n_features: int) -> Concat:
        network = Concat(
            self._blocks(n_features),
            len(self.classes_),
            n_tokens=self.n_tokens,
            align_dim=int(self.align_dim),
            dropout=self.dropout,
            input_dropout=self.input_dropout,
        )
        self.n_tokens_ = network.n_tokens
        return network
