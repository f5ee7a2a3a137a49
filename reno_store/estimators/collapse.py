"""Find fits that have not learned."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from reno_store.estimators.training import Trained, TrainingData

__all__ = ["ADVICE", "find_collapse", "guessing_cross_entropy"]

_SHARE_OF_GUESSING = 0.98
_ROWS = 32

ADVICE = (
    "Standardise X (sklearn.preprocessing.StandardScaler), lower lr, or train for more epochs; "
    "with RENOClassifier also try norm=None, n_tokens=None or lam=1."
)
"""What to try after a collapse."""


def find_collapse(
    trained: Trained, data: TrainingData, class_weight: torch.Tensor | None = None
) -> str:
    """Describe how a fit has collapsed; return an empty string where it has not.

    A fit has collapsed if its cross-entropy, on the training rows and on the held-out ones,
    never fell 2 % below that of guessing, or if its network predicts one label for all rows.

    Parameters
    ----------
    trained : Trained
        The network, in eval mode, and its history.
    data : TrainingData
        The rows it was trained on.
    class_weight : torch.Tensor, shape (n_classes,), or None
        Weights in the cross-entropy.
    """
    guessing = guessing_cross_entropy(data.y, class_weight)
    lowest = min(
        epoch[name]
        for epoch in trained.history
        for name in ("train_cross_entropy", "valid_cross_entropy")
        if name in epoch
    )
    if lowest >= _SHARE_OF_GUESSING * guessing:
        return (
            f"the lowest cross-entropy of {len(trained.history)} epochs is {lowest:.3f}, and that "
            f"of guessing {guessing:.3f}"
        )
    if _predicts_one_class(trained.network, data.X):
        return "it predicts the same label for every training row"
    return ""


def guessing_cross_entropy(
    targets: NDArray[np.int64], class_weight: torch.Tensor | None = None
) -> float:
    """Return the lowest cross-entropy, in nats, that the same answer to every row can have.

    It is the entropy of the labels, weighted as in the loss.

    Examples
    --------
    >>> round(guessing_cross_entropy(np.arange(80) % 8), 3)  # log(8)
    2.079
    """
    share = np.bincount(targets) / len(targets)
    if class_weight is not None:
        share = share * class_weight.cpu().numpy()[: len(share)]
    share = share[share > 0]
    return float(-(share * np.log(share)).sum())


def _predicts_one_class(network: torch.nn.Module, X: NDArray[np.float32]) -> bool:
    """Whether all rows get the same class; usually the first batch shows that they do not."""
    weights = next(network.parameters())
    found: set[int] = set()
    with torch.inference_mode():
        for start in range(0, len(X), _ROWS):
            rows = torch.tensor(X[start : start + _ROWS]).to(weights)
            found |= set(network(rows).logits.argmax(dim=1).cpu().tolist())
            if len(found) > 1:
                return False
    return True
