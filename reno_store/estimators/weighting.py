"""Weight of each class in the cross-entropy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.utils.class_weight import compute_class_weight

__all__ = ["ClassWeight", "class_weights"]

ClassWeight: TypeAlias = Mapping[Any, float] | Literal["balanced"] | None
"""Label -> weight; ``"balanced"``: one over the class's frequency; None: all equal."""


def class_weights(
    class_weight: ClassWeight, classes: NDArray[Any], targets: NDArray[np.int64]
) -> torch.Tensor | None:
    """Compute the weight of each class, as scikit-learn reads `class_weight`.

    Parameters
    ----------
    class_weight : Mapping, "balanced" or None
        The hyperparameter. A label without an entry weighs 1.
    classes : numpy.ndarray, shape (n_classes,)
        Labels.
    targets : numpy.ndarray of int, shape (n,)
        Index of each row's label.

    Returns
    -------
    torch.Tensor of float32, shape (n_classes,), or None
        Weights that average one over the rows, so that the share of the cross-entropy in
        Eq. 3 stays the same; None where all weights are equal.

    Raises
    ------
    ValueError
        If it names labels that no row has and omits labels that rows have, or if every row
        has weight 0.

    Examples
    --------
    >>> class_weights("balanced", np.array(["cry", "laugh"]), np.array([0, 1, 1, 1]))
    tensor([2.0000, 0.6667])
    """
    if class_weight is None:
        return None
    weights = compute_class_weight(class_weight, classes=classes, y=classes[targets])
    weights = weights / (weights.max() or 1.0)  # else their sum may overflow
    mean = weights[targets].mean()
    if mean == 0:
        raise ValueError(f"class_weight {class_weight!r} leaves no row of y any weight")
    return torch.tensor(weights / mean, dtype=torch.float32)
