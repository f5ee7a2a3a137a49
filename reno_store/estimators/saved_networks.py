"""A fitted network as numpy arrays and plain values, and back.

Pickles, joblib, skops and mlflow then store only types that they know and the classifier
itself, and a file opens on a machine without a GPU.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from reno_store.estimators.base import EmbeddingClassifier

__all__ = ["note_parameters", "restore_network", "save_network"]

_MADE_WITH = "made_with"
# They do not shape the network, and random_state may be a generator.
_SHAPELESS = {"device", "random_state", "verbose"}


def note_parameters(network: torch.nn.Module, estimator: EmbeddingClassifier) -> None:
    """Store the hyperparameters of a network on it.

    The network can then be restored after `set_params` has changed those of the estimator.
    """
    parameters = estimator.get_params(deep=False)
    made_with = {name: parameters[name] for name in parameters if name not in _SHAPELESS}
    setattr(network, _MADE_WITH, made_with)


def save_network(network: torch.nn.Module) -> dict[str, Any]:
    """Return a network's weights as arrays in the CPU's memory, and what it was made with.

    Returns
    -------
    dict
        ``weights``: parameter's name -> numpy.ndarray; ``made_with``: hyperparameters.
    """
    weights = {
        name: tensor.detach().cpu().contiguous().numpy()
        for name, tensor in network.state_dict().items()
    }
    return {"weights": weights, _MADE_WITH: dict(getattr(network, _MADE_WITH, {}))}


def restore_network(estimator: EmbeddingClassifier, saved: Mapping[str, Any]) -> torch.nn.Module:
    """Make the network again on the CPU, in eval mode, from the result of `save_network`.

    No random numbers are drawn.

    Parameters
    ----------
    estimator : EmbeddingClassifier
        With its hyperparameters and fitted attributes; it is not changed.
    saved : Mapping
        Result of `save_network`.
    """
    twin = object.__new__(type(estimator))
    twin.__dict__.update({**vars(estimator), **saved[_MADE_WITH]})
    with torch.device("meta"):
        network = twin._network(estimator.n_features_in_)
    # Copied: an array may be a read-only view of a file.
    weights = {name: torch.tensor(array, device="cpu") for name, array in saved["weights"].items()}
    network.load_state_dict(weights, assign=True)
    setattr(network, _MADE_WITH, dict(saved[_MADE_WITH]))
    return network.eval()
