"""Training a network with skorch: the one place that knows it.

The loop is skorch's. Three things differ: batches are slices of tensors in memory (a DataLoader
collates them row by row), each part of the loss is recorded, and Ctrl-C stops a fit instead of
ending it as if it had finished.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from skorch import NeuralNet
from skorch.callbacks import EarlyStopping, PassthroughScoring
from skorch.dataset import Dataset
from skorch.helper import predefined_split

from reno_store.errors import TrainingError
from reno_store.estimators.networks import FusionLoss, Prediction
from reno_store.runtime.devices import freed_memory_kept

__all__ = [
    "DIVERGED",
    "Trained",
    "TrainingData",
    "TrainingPlan",
    "default_generator",
    "is_sound",
    "seeded",
    "train",
]

DIVERGED = (
    "training diverged: the loss is not finite; lower lr, standardise X "
    "(sklearn.preprocessing.StandardScaler), or lower beta or delta if they are huge"
)
"""Message of a TrainingError."""

_LOSS_PARTS = ("cross_entropy", "divergence_excess")


@dataclass(frozen=True, slots=True)
class TrainingData:
    """Rows to train on and, for early stopping, rows held out.

    Attributes
    ----------
    X : numpy.ndarray of float32, shape (n, n_features)
        Inputs.
    y : numpy.ndarray of int64, shape (n,)
        Class indices.
    held_out : numpy.ndarray of bool, shape (n,), or None
        Rows that are validated on instead of trained on.
    """

    X: NDArray[np.float32]
    y: NDArray[np.int64]
    held_out: NDArray[np.bool_] | None = None

    def without_held_out(self) -> TrainingData:
        """Return the rows that are trained on."""
        if self.held_out is None:
            return self
        return TrainingData(self.X[~self.held_out], self.y[~self.held_out])


@dataclass(frozen=True, slots=True)
class TrainingPlan:
    """How to train: Adam, with the numbers of the paper's section IV-A by default."""

    lr: float = 1e-3
    batch_size: int = 32
    max_epochs: int = 20
    patience: int = 10
    device: str = "cpu"
    seed: int = 0
    verbose: int = 0


@dataclass(frozen=True, slots=True)
class Trained:
    """A network after training.

    Attributes
    ----------
    network : torch.nn.Module
        In eval mode, with the weights of the best epoch where rows were held out, else of
        the last.
    history : list of dict
        One entry per epoch: epoch, seconds, train_loss, train_cross_entropy,
        train_divergence_excess and, where rows were held out, valid_loss,
        valid_cross_entropy, valid_divergence_excess, valid_accuracy.
    best_epoch : int
        The epoch whose weights the network has, from 1.
    """

    network: torch.nn.Module
    history: list[dict[str, float]]
    best_epoch: int


def train(
    network: torch.nn.Module, loss: FusionLoss, data: TrainingData, plan: TrainingPlan
) -> Trained:
    """Train a network in place; call it inside `seeded`.

    Raises
    ------
    KeyboardInterrupt
        If the user pressed Ctrl-C.
    TrainingError
        If training diverged: the loss is no longer a finite number.
    """
    held_out = data.held_out
    trained_on = data.without_held_out()
    dataset, train_split, stopper = _dataset(trained_on, plan.device), None, None
    callbacks = [PassthroughScoring(f"train_{part}", on_train=True) for part in _LOSS_PARTS]
    if held_out is not None:
        validated_on = TrainingData(data.X[held_out], data.y[held_out])
        train_split = predefined_split(_dataset(validated_on, plan.device))
        callbacks += [PassthroughScoring(f"valid_{part}") for part in (*_LOSS_PARTS, "accuracy")]
        stopper = EarlyStopping(
            "valid_cross_entropy", patience=plan.patience, threshold=0.0, load_best=True
        )
        callbacks.append(stopper)
    net = _Net(
        network,
        criterion=loss,
        optimizer=torch.optim.Adam,
        optimizer__fused=plan.device.startswith(("cpu", "cuda")),
        lr=plan.lr,
        batch_size=plan.batch_size,
        max_epochs=plan.max_epochs,
        iterator_train=_Batches,
        iterator_train__generator=torch.Generator().manual_seed(plan.seed),
        iterator_valid=_Batches,
        train_split=train_split,
        # skorch keeps callbacks by name and wants each named once.
        callbacks=[(f"{type(item).__name__}_{i}", item) for i, item in enumerate(callbacks)],
        device=plan.device,
        verbose=plan.verbose,
    )
    with freed_memory_kept():
        net.fit(dataset)
    stopped_early = stopper is not None and stopper.misses_ >= plan.patience
    # skorch treats Ctrl-C as an early stop.
    if net.was_cut_off and not stopped_early:
        raise KeyboardInterrupt
    history = [_row(epoch) for epoch in net.history]
    network = net.module_.eval()
    network.zero_grad()  # else the last step's gradients stay, and are copied with the network
    is_finite = math.isfinite(history[-1]["train_loss"])
    if not is_finite or not is_sound(network, dataset.X[: plan.batch_size]):
        raise TrainingError(DIVERGED)
    best_epoch = stopper.best_epoch_ if stopper is not None else len(history)
    return Trained(network, history, int(best_epoch))


@contextlib.contextmanager
def seeded(seed: int, device: str) -> Iterator[None]:
    """Seed torch inside the block, and restore its state afterwards."""
    # torch.manual_seed would also seed every other GPU.
    generators = {torch.default_generator, default_generator(torch.device(device))}
    states = [(each, each.get_state()) for each in generators]
    for each in generators:
        each.manual_seed(seed)
    try:
        yield
    finally:
        for each, state in states:
            each.set_state(state)


def default_generator(device: torch.device) -> torch.Generator:
    """Return torch's default generator of a device."""
    if device.type != "cuda":
        return torch.default_generator
    torch.cuda.init()  # type: ignore[no-untyped-call]  # before that there are no generators
    index = torch.cuda.current_device() if device.index is None else device.index
    return torch.cuda.default_generators[index]


def is_sound(network: torch.nn.Module, X: torch.Tensor) -> bool:
    """Return whether the weights, and the outputs for a few rows, are finite numbers."""
    with torch.inference_mode():
        logits: torch.Tensor = network(X).logits
        are_finite = [part.isfinite().all() for part in (logits, *network.parameters())]
        # One result instead of one per parameter: each would wait for the GPU.
        return bool(torch.stack(are_finite).all())


class _Net(NeuralNet):
    """skorch's loop with our loss, each part of which goes into the history."""

    was_cut_off = False

    def fit_loop(self, *arguments: Any, **parameters: Any) -> Any:
        try:
            return super().fit_loop(*arguments, **parameters)
        except KeyboardInterrupt:
            self.was_cut_off = True
            raise

    def get_loss(
        self, y_pred: Prediction, y_true: torch.Tensor, X: Any = None, training: bool = False
    ) -> torch.Tensor:
        parts = self.criterion_.parts(y_pred, y_true)
        prefix = "train" if training else "valid"
        for part in _LOSS_PARTS:
            self.history.record_batch(f"{prefix}_{part}", getattr(parts, part).item())
        if not training:
            right = (y_pred.logits.argmax(dim=1) == y_true).float().mean()
            self.history.record_batch("valid_accuracy", right.item())
        return parts.total


class _Batches:
    """Batches sliced from tensors; in the order of a generator, or in their own."""

    def __init__(
        self, dataset: Dataset, batch_size: int, generator: torch.Generator | None = None
    ) -> None:
        self._X, self._y = dataset.X, dataset.y
        self._batch_size, self._generator = batch_size, generator

    def __iter__(self) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        n = len(self._y)
        order = torch.arange(n, device="cpu")
        if self._generator is not None:
            order = torch.randperm(n, generator=self._generator, device="cpu")
        for rows in torch.split(order.to(self._y.device), self._batch_size):
            yield self._X[rows], self._y[rows]


def _dataset(data: TrainingData, device: str) -> Dataset:
    # Copied: joblib hands arrays to its workers read-only, which torch does not take.
    return Dataset(torch.tensor(data.X, device=device), torch.tensor(data.y, device=device))


def _row(epoch: dict[str, Any]) -> dict[str, float]:
    """Return one epoch of skorch's history, without batches and bookkeeping."""
    keys = sorted(key for key in epoch if key.startswith(("train_", "valid_")))
    kept = [key for key in keys if not key.endswith(("_best", "_batch_count"))]
    seconds = float(epoch.get("dur", float("nan")))
    return {
        "epoch": epoch["epoch"],
        "seconds": seconds,
        **{key: float(epoch[key]) for key in kept},
    }
