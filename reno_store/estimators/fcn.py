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
        Dropout on the embedding itself, in [0, 1). The paper does not say where its
        dropout is: see docs/readings.md.
    lr : float
        Adam's learning rate.
    batch_size : int
        Rows a step.
    max_epochs : int
        Passes over the training rows at most.
    early_stopping : bool
        Whether to hold rows out, stop once their cross-entropy no longer falls, and go
        back to the best weights. Where every class has a single row, none is held out, with
        a warning; where no speaker can be spared without losing a class, `fit` raises.
    validation_fraction : float
        Share of the training speakers (where `fit` gets groups) or of each class's rows
        that is held out, in (0, 1).
    n_iter_no_change : int
        Epochs without a fall before stopping.
    class_weight : dict, "balanced" or None
        How much each class weighs in the cross-entropy, in training and on held-out rows:
        label -> weight, 1 where a label is left out; ``"balanced"`` weighs a class by one
        over how often it occurs; None weighs all alike. Only ratios matter: weights are
        scaled so that they average one over the rows of `fit`.
    device : str
        ``"cpu"``, ``"cuda"`` or ``"auto"``.
    random_state : int, RandomState instance or None
        Seeds the weights, batches, dropout and held-out rows.
    verbose : int
        1 prints `history_` as it comes, a line an epoch.

    Attributes
    ----------
    classes_ : numpy.ndarray, shape (n_classes,)
        Labels, sorted.
    n_features_in_ : int
        Columns of X.
    feature_names_in_ : numpy.ndarray of str, shape (n_features_in_,)
        Their names, where X was a DataFrame.
    history_ : list of dict
        An entry an epoch: ``epoch`` from 1, ``seconds``, ``train_loss`` (Eq. 3),
        ``train_cross_entropy`` and ``train_divergence_excess`` (what Eq. 2 exceeds its
        minimum by, 0 where it plays no part; both in nats), and the same of the held-out
        rows, ``valid_...``, with their ``valid_accuracy``.
    n_epochs_ : int
        Epochs that were run.
    best_epoch_ : int
        The epoch, from 1, whose weights are kept; the last where nothing is held out.
    n_parameters_ : int
        Weights of the network.
    network_ : torch.nn.Module
        The network, in eval mode.

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
