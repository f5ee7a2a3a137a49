"""FCNClassifier: dense layers on one model's embedding."""

from __future__ import annotations

from dataclasses import dataclass

from reno_store.estimators.base import EmbeddingClassifier
from reno_store.estimators.networks import FCN

__all__ = ["FCNClassifier"]


@dataclass(kw_only=True, eq=False, repr=False)
class FCNClassifier(EmbeddingClassifier):
    """The paper's FCN: dense layers of 512 and 128 neurons (section III).

    Parameters
    ----------
    dropout : float
        Dropout after each hidden layer, in [0, 1).
    input_dropout : float
        Dropout on the embedding itself, in [0, 1). The paper does not say where its dropout
        is: see docs/readings.md.
    lr : float
        Adam's learning rate.
    batch_size : int
        Rows per training step.
    max_epochs : int
        Largest number of passes over the training rows.
    early_stopping : bool
        Whether to hold out rows, stop when their cross-entropy no longer falls, and restore
        the best weights. If every class has a single row, none is held out, with a warning. If
        no speaker can be held out without losing a class, `fit` raises an error.
    validation_fraction : float
        Share that is held out, in (0, 1): of the speakers if `fit` gets groups, otherwise of
        the rows of each class.
    n_iter_no_change : int
        Epochs without a lower cross-entropy before training stops.
    class_weight : dict, "balanced" or None
        Weight of each class in the cross-entropy, in training and on held-out rows: a dict
        from labels to weights (1 for labels that it lacks), ``"balanced"`` for one over the
        frequency of the class, or None for equal weights. They are scaled to an average of 1
        over the rows of `fit`.
    device : str
        ``"cpu"``, ``"cuda"`` or ``"auto"``.
    random_state : int, RandomState instance or None
        Seed of the weights, batches, dropout and held-out rows.
    verbose : int
        1 prints each epoch's entry of `history_`.

    Attributes
    ----------
    classes_ : numpy.ndarray, shape (n_classes,)
        Labels, sorted.
    n_features_in_ : int
        Columns of X.
    feature_names_in_ : numpy.ndarray of str, shape (n_features_in_,)
        Their names, if X was a DataFrame.
    history_ : list of dict
        Per epoch: ``epoch`` from 1, ``seconds``, ``train_loss`` (Eq. 3),
        ``train_cross_entropy`` and ``train_divergence_excess`` (the divergence of Eq. 2 above
        its minimum, 0 for networks without it; both in nats), the same of the held-out rows as
        ``valid_...``, and ``valid_accuracy``.
    n_epochs_ : int
        Epochs that were run.
    best_epoch_ : int
        The epoch, from 1, whose weights are kept; the last if nothing is held out.
    collapsed_ : bool
        Whether the network has not learned: its cross-entropy stayed at the level of guessing,
        or it predicts one label for all rows.
    n_parameters_ : int
        Number of weights of the network.
    network_ : torch.nn.Module
        The network, in evaluation mode.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> y = np.repeat(["cry", "laugh"], 20)
    >>> X = rng.normal(size=(40, 16)) + (y == "cry")[:, None]
    >>> FCNClassifier(random_state=0).fit(X, y).predict(X[:1]).tolist()
    ['cry']
    """

    def _network(self, n_features: int) -> FCN:
        return FCN(
            n_features,
            len(self.classes_),
            dropout=self.dropout,
            input_dropout=self.input_dropout,
        )
