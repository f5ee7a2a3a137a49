"""ConcatClassifier: the paper's baseline for fusing models."""

from __future__ import annotations

from dataclasses import dataclass

from reno_store.estimators.base import FusionClassifier
from reno_store.estimators.networks import Concat

__all__ = ["ConcatClassifier"]


@dataclass(kw_only=True, eq=False, repr=False)
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
    classes_, history_, n_epochs_, best_epoch_, collapsed_, n_parameters_, network_
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
