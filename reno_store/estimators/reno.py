"""RENOClassifier: the paper's fusion of two foundation models."""

from __future__ import annotations

from typing import Any

from reno_store.estimators.base import FusionClassifier
from reno_store.estimators.blocks import BlockSizes
from reno_store.networks import RENO, FusionLoss

__all__ = ["RENOClassifier"]


class RENOClassifier(FusionClassifier):
    """RENO: self-attention within and across models, aligned by a Rényi loss (section III-A).

    Parameters
    ----------
    block_sizes : Sequence[int], "even" or None
        Columns of each model's block of X; ``"even"`` halves X; None reads them from the
        names ``MODEL:i`` of a DataFrame's columns.
    beta : float
        Order β > 1 of the Rényi divergence (Eq. 2).
    delta : float
        δ ≥ 0, added to every probability in it.
    lam : float
        λ in [0, 1]: weight of the cross-entropy; 1 - λ is that of the divergence (Eq. 3).
    n_tokens : int or None
        Positions left after pooling, at most a block's columns; None pools by 2 twice.
    align_dim : int
        Width that each block is aligned to.
    n_heads : int
        Heads of every self-attention; divides 64 and `align_dim`.
    dropout, lr, batch_size, max_epochs, early_stopping, validation_fraction, \
n_iter_no_change, device, random_state, verbose
        As for `FCNClassifier`.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> y = np.repeat(["cry", "laugh"], 20)
    >>> X = rng.normal(size=(40, 24)) + (y == "cry")[:, None]
    >>> reno = RENOClassifier(block_sizes=(16, 8), random_state=0).fit(X, y)
    >>> reno.predict(X[:1]).tolist()
    ['cry']
    """

    def __init__(
        self,
        *,
        block_sizes: BlockSizes = None,
        beta: float = 2.0,
        delta: float = 0.2,
        lam: float = 0.4,
        n_tokens: int | None = 26,
        align_dim: int = 256,
        n_heads: int = 2,
        dropout: float = 0.3,
        lr: float = 1e-3,
        batch_size: int = 32,
        max_epochs: int = 20,
        early_stopping: bool = True,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 10,
        device: str = "cpu",
        random_state: Any = None,
        verbose: int = 0,
    ) -> None:
        self.block_sizes = block_sizes
        self.beta = beta
        self.delta = delta
        self.lam = lam
        self.n_tokens = n_tokens
        self.align_dim = align_dim
        self.n_heads = n_heads
        self.dropout = dropout
        self.lr = lr
        self.batch_size = batch_size
        self.max_epochs = max_epochs
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.device = device
        self.random_state = random_state
        self.verbose = verbose

    def _network(self, n_features: int) -> RENO:
        return RENO(
            self._blocks(n_features),
            len(self.classes_),
            n_tokens=self.n_tokens,
            align_dim=self.align_dim,
            n_heads=self.n_heads,
            dropout=self.dropout,
        )

    def _loss(self) -> FusionLoss:
        return FusionLoss(beta=self.beta, delta=self.delta, lam=self.lam)
