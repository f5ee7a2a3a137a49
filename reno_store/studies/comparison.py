"""Several estimators, models and protocols over one dataset of a store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any, Literal

from reno_store import __version__
from reno_store.runtime.progress import counting
from reno_store.samples import Samples
from reno_store.samples.rare_labels import leave_out_rare
from reno_store.studies.checking import check_comparison
from reno_store.studies.classifiers import find_estimator, make_estimator
from reno_store.studies.crossvalidation import Evaluation, evaluate
from reno_store.studies.protocols import split
from reno_store.studies.repeats import Repeats, put_together

__all__ = ["Comparison", "evaluate_store"]


@dataclass(frozen=True, slots=True)
class Comparison:
    """What was evaluated on what.

    Attributes
    ----------
    dataset : str
        Name of the dataset.
    n_clips, n_labels, n_speakers : int
        Clips that were used, their distinct labels and known speakers.
    n_left_out : int
        Clips that lack an embedding and were left out.
    majority : float
        Share of the most frequent label: what always guessing it would score.
    evaluations : tuple[Evaluation, ...]
        In the order of protocols, then estimators, then models, then seeds.
    fingerprints : Mapping[str, str]
        Model -> first digits of the fingerprint of its embeddings.
    min_clips : int
        Labels with fewer clips were left out.
    rare_labels : Mapping[str, int]
        Label that was left out for that -> its clips.
    """

    dataset: str
    n_clips: int
    n_labels: int
    n_speakers: int
    n_left_out: int
    majority: float
    evaluations: tuple[Evaluation, ...]
    fingerprints: Mapping[str, str] = field(default_factory=dict)
    min_clips: int = 1
    rare_labels: Mapping[str, int] = field(default_factory=dict)

    @property
    def repeats(self) -> tuple[Repeats, ...]:
        """The evaluations, with those put together that differ in their seed alone."""
        return put_together(self.evaluations)

    def to_dict(self) -> dict[str, Any]:
        """Everything, as JSON values."""
        own = {name: getattr(self, name) for name in self.__slots__ if name != "evaluations"}
        return {
            "reno_store_version": __version__,
            **own,
            "fingerprints": dict(self.fingerprints),
            "rare_labels": dict(self.rare_labels),
            "repeats": [each.to_dict() for each in self.repeats],
            "evaluations": [each.to_dict() for each in self.evaluations],
        }


def evaluate_store(
    store: str | Path,
    dataset: str,
    *,
    models: str | Sequence[str],
    estimators: str | Sequence[str] = (),
    protocols: str | Sequence[str] = ("paper",),
    n_folds: int = 5,
    seed: int | Sequence[int] = 0,
    standardize: bool = True,
    device: str = "cpu",
    n_jobs: int = 1,
    missing: Literal["raise", "drop"] = "raise",
    min_clips: int = 1,
    progress: bool | None = None,
) -> Comparison:
    """Cross-validate classifiers on a dataset's embeddings.

    Classifiers of one model (``fcn``, ``cnn``) are evaluated on each of the models; those
    that fuse (``concat``, ``reno``) on all of them together. All see the same clips and
    the same folds.

    Parameters
    ----------
    store : str or Path
        The store's folder.
    dataset : str
        Name of the dataset.
    models : str or Sequence[str]
        Names of models that the store has for it.
    estimators : str or Sequence[str]
        Names in `ESTIMATORS`, or of scikit-learn's classifiers; by default the paper's
        networks that the number of models allows, and ``logreg``, the linear probe.
    protocols : str or Sequence[str]
        Names in `PROTOCOLS`.
    seed : int or Sequence[int]
        Seed of the folds and the estimators' ``random_state``. With several, everything is
        done once with each.
    n_folds, standardize, n_jobs
        As for `evaluate`.
    device : str
        Device of the estimators.
    missing : {"raise", "drop"}
        What to do with clips that lack an embedding of any of the models.
    min_clips : int
        Labels with fewer clips are left out; 1 leaves none out.
    progress : bool, optional
        Whether to show a progress bar; by default where standard error is a terminal.

    Raises
    ------
    UnknownNameError
        If the dataset, a model, an estimator or a protocol is unknown.
    ProtocolError
        If the clips cannot be divided so, no label has `min_clips` clips, a fusion has fewer
        than two models, or a seed is given twice or out of range.
    MissingEmbeddingsError
        If clips lack an embedding and `missing` is ``"raise"``.
    """
    asked = check_comparison(
        store,
        dataset,
        models=models,
        estimators=estimators,
        protocols=protocols,
        seed=seed,
        device=device,
    )
    opened, protocols, seeds = asked.store, asked.protocols, asked.seeds
    loaded = opened.load(dataset, asked.models, missing=missing)
    whole, rare = leave_out_rare(loaded, min_clips)
    # All folds first, so that what cannot be divided is refused before anything is trained.
    n_folds_of = {
        (protocol, each): len(split(protocol, whole.y, whole.groups, n_folds=n_folds, seed=each))
        for protocol, each in product(protocols, seeds)
    }
    runs = list(_runs(whole, asked.estimators, protocols, seeds))
    evaluations = []
    total = sum(n_folds_of[protocol, each] for protocol, _, _, each in runs)
    with counting("evaluating", total, unit="folds", show=progress) as counter:
        for protocol, name, samples, each in runs:
            counter.detail(f"{name} on {' + '.join(samples.models)}, {protocol}, seed {each}")
            evaluations.append(
                evaluate(
                    samples,
                    make_estimator(name, samples.block_sizes, seed=each, device=device),
                    name=name,
                    protocol=protocol,
                    n_folds=n_folds,
                    seed=each,
                    standardize=standardize,
                    n_jobs=n_jobs,
                    counter=counter,
                )
            )
    labels = whole.y.tolist()
    return Comparison(
        dataset=dataset,
        n_clips=len(labels),
        n_labels=len(set(labels)),
        n_speakers=0 if whole.groups is None else len(set(whole.groups.tolist()) - {""}),
        n_left_out=opened.n_clips(dataset) - len(loaded.y),
        majority=max(labels.count(label) for label in set(labels)) / len(labels),
        evaluations=tuple(evaluations),
        fingerprints={
            row.model: row.fingerprint
            for row in opened.summary()
            if row.dataset == dataset and row.model in asked.models
        },
        min_clips=min_clips,
        rare_labels=rare,
    )


def _runs(
    whole: Samples, estimators: Sequence[str], protocols: Sequence[str], seeds: Sequence[int]
) -> list[tuple[str, str, Samples, int]]:
    """List (protocol, estimator, samples it sees, seed), in the order of the table."""
    alone = whole.split_models()
    return [
        (protocol, name, samples, seed)
        for protocol, name in product(protocols, estimators)
        for samples in _seen_by(name, whole, alone)
        for seed in seeds
    ]


def _seen_by(name: str, whole: Samples, alone: Sequence[Samples]) -> list[Samples]:
    """List what an estimator is evaluated on: each model alone, all together, or both."""
    takes = find_estimator(name).takes
    together = takes == "several" or (takes == "any" and len(alone) > 1)
    return [*(alone if takes != "several" else ()), *([whole] if together else ())]
