"""Base of the four classifiers: from (X, y) to a trained network and back to labels."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data
from torch.func import functional_call

from reno_store.estimators.blocks import BlockSizes, resolve_block_sizes
from reno_store.estimators.collapse import ADVICE, find_collapse
from reno_store.estimators.documentation import documentation_url
from reno_store.estimators.holdout import hold_out, is_unknown
from reno_store.estimators.networks import FusionLoss
from reno_store.estimators.parameters import check_parameters
from reno_store.estimators.saved_networks import (
    note_parameters,
    restore_network,
    save_network,
)
from reno_store.estimators.torch_state import pinned
from reno_store.estimators.training import Trained, TrainingData, TrainingPlan, seeded, train
from reno_store.estimators.weighting import ClassWeight, class_weights
from reno_store.runtime.devices import resolve_device

__all__ = ["EmbeddingClassifier", "FusionClassifier", "Prepared"]

# In float64 they need as much memory as a training step of 32 rows; more are no faster on a CPU.
_ROWS_PER_PREDICTION = 16

# A GPU waits for each piece to be launched. Attention then fills half a gigabyte.
_ROWS_PER_PREDICTION_ON_A_GPU = 1024
_SCORES_PER_PREDICTION_ON_A_GPU = 2**24


@dataclass(frozen=True, slots=True)
class Prepared:
    """A fit, prepared for training.

    Attributes
    ----------
    data : TrainingData
        Checked rows, and the held-out ones among them.
    loss : FusionLoss
        The loss.
    plan : TrainingPlan
        The optimization, with the seed of weights, batches and dropout.
    """

    data: TrainingData
    loss: FusionLoss
    plan: TrainingPlan


@dataclass(kw_only=True, eq=False, repr=False)
class EmbeddingClassifier(ClassifierMixin, BaseEstimator):
    """Base of the classifiers: `fit`, `predict`, `predict_proba` around one network.

    Fields are the hyperparameters; the ``__init__`` of the dataclass assigns them and nothing
    more, as scikit-learn requires. A subclass adds its own, and makes its network in `_network`.
    """

    # scikit-learn's HTML representation finds the documentation through these two.
    _doc_link_module: ClassVar[str] = "reno_store"
    _doc_link_template: ClassVar[str] = "{url}"

    dropout: float = 0.3
    input_dropout: float = 0.3
    lr: float = 1e-3
    batch_size: int = 32
    max_epochs: int = 20
    early_stopping: bool = True
    validation_fraction: float = 0.1
    n_iter_no_change: int = 10
    class_weight: ClassWeight = None
    device: str = "cpu"
    random_state: Any = None
    verbose: int = 0

    def fit(self, X: ArrayLike, y: ArrayLike, groups: ArrayLike | None = None) -> Self:
        """Train.

        Parameters
        ----------
        X : array-like, shape (n_clips, n_features)
            Embeddings.
        y : array-like, shape (n_clips,)
            Labels, of any kind scikit-learn takes for classes.
        groups : array-like, shape (n_clips,), optional
            Speakers. With them, early stopping holds out whole speakers.

        Returns
        -------
        Self
            With ``classes_``, ``n_features_in_``, ``history_`` (a dict per epoch),
            ``n_epochs_``, ``best_epoch_``, ``collapsed_`` and ``n_parameters_``.

        Warns
        -----
        ConvergenceWarning
            If the fit has collapsed: its cross-entropy never left that of guessing, or it
            predicts one label for every row.

        Raises
        ------
        ValueError
            If a hyperparameter, X, y or the blocks are wrong, or training diverges.
        DeviceError
            If the device does not exist.
        """
        self._forget()
        try:
            self._fit(X, y, groups)
        except BaseException:
            self._forget()
            raise
        return self

    def predict_proba(self, X: ArrayLike) -> NDArray[np.float64]:
        """Return the probability of each class.

        Parameters
        ----------
        X : array-like, shape (n_clips, n_features)
            Embeddings, with the columns of `fit`.

        Returns
        -------
        numpy.ndarray of float64, shape (n_clips, n_classes)
            Columns in the order of ``classes_``; each row sums to one.
        """
        return self._predicted(X, lambda logits: logits.softmax(dim=1))

    def predict_log_proba(self, X: ArrayLike) -> NDArray[np.float64]:
        """Return the natural logarithm of the probability of each class.

        It is finite also where `predict_proba` is too small for a float64.

        Parameters
        ----------
        X : array-like, shape (n_clips, n_features)
            Embeddings, with the columns of `fit`.

        Returns
        -------
        numpy.ndarray of float64, shape (n_clips, n_classes)
            Columns in the order of ``classes_``.
        """
        return self._predicted(X, lambda logits: logits.log_softmax(dim=1))

    def decision_function(self, X: ArrayLike) -> NDArray[np.float64]:
        """Return the score of each class, before the softmax.

        Parameters
        ----------
        X : array-like, shape (n_clips, n_features)
            Embeddings, with the columns of `fit`.

        Returns
        -------
        numpy.ndarray of float64, shape (n_clips,) or (n_clips, n_classes)
            For two classes the log-odds of ``classes_[1]``: above 0 it is predicted. For more
            the logits, in the order of ``classes_``; the largest is predicted.
        """
        logits = self._predicted(X, lambda logits: logits)
        return logits[:, 1] - logits[:, 0] if len(self.classes_) == 2 else logits

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Return the most probable class of each row.

        Parameters
        ----------
        X : array-like, shape (n_clips, n_features)
            Embeddings, with the columns of `fit`.

        Returns
        -------
        numpy.ndarray, shape (n_clips,)
            Labels, of the type of ``classes_``.
        """
        logits = self._predicted(X, lambda logits: logits)
        labels: NDArray[Any] = self.classes_[logits.argmax(axis=1)]
        return labels

    def _predicted(
        self, X: ArrayLike, of_logits: Callable[[torch.Tensor], torch.Tensor]
    ) -> NDArray[np.float64]:
        """Compute a function of the logits, shape (n_clips, n_classes), in float64."""
        check_is_fitted(self, "network_")
        with _quiet_overflow():
            inputs = validate_data(self, X, dtype=np.float32, reset=False)
        device = next(self.network_.parameters()).device
        with pinned(device.type), torch.inference_mode():
            # In float32 the last digits of a matrix product depend on the number of rows.
            weights = {
                name: each.double().contiguous() for name, each in self.network_.named_parameters()
            }
            logits = torch.cat(
                [
                    functional_call(
                        self.network_,
                        weights,
                        torch.tensor(rows, dtype=torch.float64, device=device),
                    ).logits
                    for rows in _in_pieces(inputs, _rows_per_prediction(self.network_, device))
                ]
            )
            values: NDArray[np.float64] = of_logits(logits).cpu().numpy()
        return values

    def __getstate__(self) -> dict[str, Any]:
        """Store the network as arrays, which skops trusts and any machine opens."""
        state: dict[str, Any] = super().__getstate__()
        if "network_" not in state:
            return state
        return {**state, "network_": save_network(state["network_"])}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        network = state.get("network_")
        if isinstance(network, Mapping):  # files of earlier versions hold the module itself
            self.network_ = restore_network(self, network)

    def _doc_link_url_param_generator(self) -> dict[str, str]:
        return {"url": documentation_url(type(self))}

    def _fit(self, X: ArrayLike, y: ArrayLike, groups: ArrayLike | None) -> None:
        prepared = self._prepare(X, y, groups)
        plan = prepared.plan
        with pinned(plan.device), seeded(plan.seed, plan.device):
            network = self._network(prepared.data.X.shape[1])
            trained = train(network, prepared.loss, prepared.data, plan)
            self._conclude(trained, prepared.data.without_held_out(), prepared.loss)

    def _prepare(self, X: ArrayLike, y: ArrayLike, groups: ArrayLike | None) -> Prepared:
        """Check all arguments, set ``classes_`` and choose the rows to hold out."""
        check_parameters(type(self).__name__, self.get_params(deep=False))
        device = resolve_device(self.device)
        with _quiet_overflow():
            inputs, labels = validate_data(self, X, y, dtype=np.float32, ensure_min_samples=2)
        check_classification_targets(labels)
        self.classes_, targets = np.unique(labels, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(
                f"{type(self).__name__} needs at least 2 classes in y, got 1 class: "
                f"{self.classes_.tolist()[0]!r}"
            )
        seeds = check_random_state(self.random_state).randint(2**31 - 1, size=2)
        held_out = self._held_out(targets, groups, seeds[0])
        data = TrainingData(np.ascontiguousarray(inputs), targets.astype(np.int64), held_out)
        plan = TrainingPlan(
            lr=float(self.lr),
            batch_size=int(self.batch_size),
            max_epochs=int(self.max_epochs),
            patience=int(self.n_iter_no_change),
            device=device,
            seed=int(seeds[1]),
            verbose=int(self.verbose),
        )
        loss = self._loss(class_weights(self.class_weight, self.classes_, targets))
        return Prepared(data, loss, plan)

    def _conclude(self, trained: Trained, data: TrainingData, loss: FusionLoss) -> None:
        """Set the fitted attributes, and warn if the fit has collapsed.

        Parameters
        ----------
        trained : Trained
            The network and its history.
        data : TrainingData
            The training rows.
        loss : FusionLoss
            The loss.
        """
        note_parameters(trained.network, self)
        self.network_ = trained.network
        self.history_ = trained.history
        self.n_epochs_ = len(trained.history)
        self.best_epoch_ = trained.best_epoch
        self.n_parameters_ = sum(weights.numel() for weights in trained.network.parameters())
        reason = find_collapse(trained, data, loss.class_weight)
        self.collapsed_ = bool(reason)
        if reason:
            warnings.warn(
                f"{type(self).__name__} has collapsed: {reason}. {ADVICE}",
                ConvergenceWarning,
                stacklevel=4,
            )

    def _forget(self) -> None:
        """Delete the attributes of an earlier fit, so that a failed fit leaves none."""
        for name in self._fitted():
            delattr(self, name)

    def _fitted(self) -> dict[str, Any]:
        """Return the attributes that a fit has set."""
        return {
            name: value
            for name, value in vars(self).items()
            if name.endswith("_") and name[0] != "_"
        }

    def _idle(self) -> set[str]:
        """Return the hyperparameters that have no effect with the values of the others."""
        return set() if self.early_stopping else {"n_iter_no_change", "validation_fraction"}

    def _network(self, n_features: int) -> torch.nn.Module:
        """Make the network, untrained, for X of that many columns and ``classes_``."""
        raise NotImplementedError

    def _loss(self, class_weight: torch.Tensor | None) -> FusionLoss:
        """Return the loss: cross-entropy alone, unless a subclass overrides this."""
        return FusionLoss(lam=1.0, class_weight=class_weight)

    def _held_out(
        self, targets: NDArray[np.int64], groups: ArrayLike | None, seed: int
    ) -> NDArray[np.bool_] | None:
        if groups is not None:
            groups = np.asarray(groups)
            if groups.shape != targets.shape:
                raise ValueError(
                    f"groups must have one entry a row of X, got shape {groups.shape} "
                    f"for {len(targets)} rows"
                )
            n_unknown = sum(is_unknown(group) for group in groups)
            if n_unknown:
                raise ValueError(f"groups must name each row's speaker, {n_unknown} rows have none")
            groups = np.unique([str(group) for group in groups], return_inverse=True)[1]
        if not self.early_stopping:
            return None
        rng = np.random.default_rng(seed)
        held_out = hold_out(targets, groups, self.validation_fraction, rng)
        return held_out if held_out.any() else None


@dataclass(kw_only=True, eq=False, repr=False)
class FusionClassifier(EmbeddingClassifier):
    """Base of the classifiers that fuse the blocks of several models."""

    block_sizes: BlockSizes = None
    n_tokens: int | None = None
    align_dim: int = 256

    def _blocks(self, n_features: int) -> tuple[int, ...]:
        """Set and return the sizes of the blocks."""
        names = getattr(self, "feature_names_in_", None)
        self.block_sizes_ = resolve_block_sizes(
            self.block_sizes, n_features, None if names is None else names.tolist()
        )
        return self.block_sizes_


def _quiet_overflow() -> np.errstate:
    """Silence numpy's warning about overflow in float32; scikit-learn raises an error then."""
    return np.errstate(over="ignore")


def _rows_per_prediction(network: torch.nn.Module, device: torch.device) -> int:
    if device.type == "cpu":
        return _ROWS_PER_PREDICTION
    n_tokens = int(np.max(getattr(network, "n_tokens", 1)))
    n_rows = _SCORES_PER_PREDICTION_ON_A_GPU // n_tokens**2
    return min(max(n_rows, _ROWS_PER_PREDICTION), _ROWS_PER_PREDICTION_ON_A_GPU)


def _in_pieces(X: NDArray[np.float32], n_rows: int) -> list[NDArray[np.float32]]:
    """Cut X into pieces that bound the memory of a prediction."""
    starts = range(0, len(X), n_rows)
    return [np.ascontiguousarray(X[start : start + n_rows]) for start in starts]
