"""RENOClassifier: the paper's fusion of two foundation models."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch

from reno_store.estimators.base import FusionClassifier
from reno_store.estimators.networks import RENO, FusionLoss
from reno_store.estimators.networks.attention import Norm

__all__ = ["RENOClassifier"]


@dataclass(kw_only=True, eq=False, repr=False)
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
        Positions left of each block, as for `CNNClassifier`.
    align_dim : int
        Width that each block is aligned to.
    n_heads : int
        Heads of every self-attention; divides 64 and `align_dim`.
    attention : bool
        Whether there is self-attention, over each block's positions and over the blocks.
        Without it, and with ``lam=1``, this is `ConcatClassifier`.
    residual : bool
        Whether each attention's input is added to its output.
    norm : "pre", "post" or None
        LayerNorm before each attention, after its residual sum, or none. With ``"post"``
        training often fails at the paper's learning rate: see docs/readings.md.
    distribution : "softmax" or None
        What z is in Eq. 2. ``"softmax"``: the softmax of a block's aligned features. None:
        the features a themselves, made positive by softplus, z = log(1 + exp(a)), and each
        side of Eq. 2, δ included, divided by its sum, without which training could lower
        the divergence without end by letting features grow. Here δ is small compared with z; a
        softmax over 256 features is small compared with δ, which makes Eq. 2 nearly flat.
    dropout, input_dropout, lr, batch_size, max_epochs, early_stopping, \
validation_fraction, n_iter_no_change, class_weight, device, random_state, verbose
        As for `FCNClassifier`.

    Attributes
    ----------
    block_sizes_ : tuple of int
        Columns of each block, after fit.
    n_tokens_ : tuple of int
        Positions left of each block, after fit.
    classes_, history_, n_epochs_, best_epoch_, collapsed_, n_parameters_, network_
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

    beta: float = 2.0
    delta: float = 0.2
    lam: float = 0.4
    n_heads: int = 2
    attention: bool = True
    residual: bool = True
    norm: Norm = None
    distribution: Literal["softmax"] | None = "softmax"

    def _network(self, n_features: int) -> RENO:
        network = RENO(
            self._blocks(n_features),
            len(self.classes_),
            n_tokens=self.n_tokens,
            align_dim=int(self.align_dim),
            n_heads=int(self.n_heads),
            attention=self.attention,
            residual=self.residual,
            norm=self.norm,
            dropout=self.dropout,
            input_dropout=self.input_dropout,
        )
        self.n_tokens_ = network.n_tokens
        return network

    def _loss(self, class_weight: torch.Tensor | None) -> FusionLoss:
        return FusionLoss(
            beta=self.beta,
            delta=self.delta,
            lam=self.lam,
            distribution=self.distribution,
            class_weight=class_weight,
        )

    def _idle(self) -> set[str]:
        idle = super()._idle()
        if self.lam == 1:
            idle |= {"beta", "delta", "distribution"}
        if not self.attention:
            idle |= {"n_heads", "norm", "residual"}
        return idle
