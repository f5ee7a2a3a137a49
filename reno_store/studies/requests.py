"""What is asked of a store: which datasets, models, pairs, estimators, protocols, seeds."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from reno_store.errors import ProtocolError, UnknownNameError
from reno_store.studies.evaluation.classifiers import DEFAULT_ESTIMATORS, find_estimator
from reno_store.studies.evaluation.protocols import check_protocol
from reno_store.studies.evaluation.seeds import check_seeds
from reno_store.studies.paper_values import PAPER_DATASETS

__all__ = ["StudyRequest", "results_folder"]


def results_folder(store: str | Path) -> Path:
    """Say where the results of a store are kept: ``my.results`` beside ``my.zarr``."""
    store = Path(store).resolve()
    return store.parent / f"{store.name.removesuffix('.zarr')}.results"


@dataclass(frozen=True, slots=True)
class StudyRequest:
    """What is asked of a store.

    One name is as good as a tuple of one: ``StudyRequest("jnv", models="mfcc", seeds=3)``. A
    list becomes a tuple.

    Attributes
    ----------
    datasets : tuple[str, ...]
        Names of datasets, at least one.
    models : tuple[str, ...]
        Names of models; empty for all that the store has for them and, where a dataset is
        one of the paper's, all of the paper's.
    pairs : tuple[tuple[str, str], ...]
        Models to fuse; empty for every pair of the models but two Audio-Mambas, which the
        paper does not fuse. For the paper's seven models these are its 18 pairs. A pair may
        be written as on the command line, ``"mfcc,logmel"``.
    estimators : tuple[str, ...]
        Names in `ESTIMATORS`, or of scikit-learn's classifiers. By default the paper's four
        and ``logreg``, the linear probe.
    protocols : tuple[str, ...]
        Names in `PROTOCOLS`.
    n_folds : int
        How many folds; ``loso`` has one a speaker.
    seeds : tuple[int, ...]
        Everything is done once with each.
    standardize : bool
        Whether to scale X by the mean and standard deviation of each training fold.
    allow_missing : bool
        Whether clips that lack an embedding of any of a dataset's models are left out, for
        all of them. Otherwise a model that lacks clips is not evaluated.
    min_clips : int
        Labels with fewer clips are left out; 1 leaves none out.
    paper_names : Mapping[str, str]
        Dataset -> ``"asvp-esd"``, ``"jnv"`` or ``"vivae"``, where its name does not tell.
    device : str
        Where networks are trained.
    """

    datasets: tuple[str, ...]
    models: tuple[str, ...] = ()
    pairs: tuple[tuple[str, str], ...] = ()
    estimators: tuple[str, ...] = DEFAULT_ESTIMATORS
    protocols: tuple[str, ...] = ("paper", "speaker")
    n_folds: int = 5
    seeds: tuple[int, ...] = (0,)
    standardize: bool = True
    allow_missing: bool = False
    min_clips: int = 1
    paper_names: Mapping[str, str] = field(default_factory=dict)
    device: str = "cpu"

    def __post_init__(self) -> None:
        for name in ("datasets", "models", "estimators", "protocols"):
            object.__setattr__(self, name, _as_names(getattr(self, name)))
        object.__setattr__(self, "pairs", _as_pairs(self.pairs))
        object.__setattr__(self, "seeds", check_seeds(self.seeds))
        _check_names("dataset", self.datasets, at_least_one=True)
        _check_names("model", self.models)
        _check_names("estimator", self.estimators, at_least_one=True)
        _check_names("protocol", self.protocols, at_least_one=True)
        for name in self.estimators:
            find_estimator(name)
        for name in self.protocols:
            check_protocol(name)
        for pair in self.pairs:
            if len(pair) != 2 or pair[0] == pair[1] or not all(pair):
                raise ProtocolError(f"pair {','.join(pair)!r}: expected two different models.")
        if twice := {pair for pair in self.pairs if self.pairs.count(pair) > 1}:
            raise ProtocolError(f"pair {','.join(min(twice))!r} is named twice; name each once.")
        if self.min_clips < 1:
            raise ProtocolError(f"min_clips is {self.min_clips}; expected at least 1.")
        for dataset, name in self.paper_names.items():
            if dataset not in self.datasets:
                raise UnknownNameError.among("dataset", dataset, self.datasets)
            if name not in PAPER_DATASETS:
                raise UnknownNameError.among("dataset of the paper", name, PAPER_DATASETS)

    def command(self, store: str | Path, results: str | Path | None = None) -> str:
        """Write the command that asks for this of a store, for a POSIX shell.

        Parameters
        ----------
        store : str or Path
            The store's folder.
        results : str or Path, optional
            Folder of kept results; it is named where it is not `results_folder` of the store.
        """
        words = ["reno-store", "tables", str(store), *self.datasets, *self.options()]
        if results is not None and Path(results).resolve() != results_folder(store):
            words += ["--results", str(results)]
        return shlex.join(words)

    def options(self) -> list[str]:
        """Give the command's options: those that differ from what is asked by default."""
        words: list[str] = []
        for name in self.models:
            words += ["--model", name]
        for pair in self.pairs:
            words += ["--pair", ",".join(pair)]
        for name in self.estimators:
            if name not in DEFAULT_ESTIMATORS:
                words += ["--estimator", name]
        for name in DEFAULT_ESTIMATORS:
            if name not in self.estimators:
                words += ["--without", name]
        if self.protocols != _DEFAULTS["protocols"]:
            for name in self.protocols:
                words += ["--protocol", name]
        if self.n_folds != _DEFAULTS["n_folds"]:
            words += ["--folds", str(self.n_folds)]
        if self.seeds != _DEFAULTS["seeds"]:
            words += ["--seeds", ",".join(map(str, self.seeds))]
        if not self.standardize:
            words += ["--as-stored"]
        if self.allow_missing:
            words += ["--allow-missing"]
        if self.min_clips != _DEFAULTS["min_clips"]:
            words += ["--min-clips", str(self.min_clips)]
        for dataset, name in self.paper_names.items():
            words += ["--as-in-paper", f"{dataset}={name}"]
        if self.device != _DEFAULTS["device"]:
            words += ["--device", self.device]
        return words

    def of(self, datasets: Sequence[str]) -> StudyRequest:
        """Give the same request for some of its datasets."""
        names = {name: of for name, of in self.paper_names.items() if name in datasets}
        return replace(self, datasets=tuple(datasets), paper_names=names)

    def to_dict(self) -> dict[str, Any]:
        """Everything, as JSON values."""
        values = {each.name: getattr(self, each.name) for each in fields(self)}
        lists = {name: list(values[name]) for name, kind in _KINDS.items() if kind is list}
        pairs = [list(pair) for pair in self.pairs]
        return {**values, **lists, "pairs": pairs, "paper_names": dict(self.paper_names)}

    @classmethod
    def from_dict(cls, told: Mapping[str, Any]) -> StudyRequest:
        """Take back what `to_dict` gave.

        Raises
        ------
        ValueError, TypeError, RenoStoreError
            If it is something else.
        """
        # Notes of versions without `min_clips` left no label out.
        values: dict[str, Any] = {"min_clips": 1, **told} if isinstance(told, Mapping) else {}
        if set(values) != {each.name for each in fields(cls)}:
            raise ValueError("expected the parts of a request")
        for name, kind in _KINDS.items():
            if type(values[name]) is not kind:
                raise TypeError(f"{name}: expected {kind.__name__}, got {values[name]!r}")
        for name in ("datasets", "models", "estimators", "protocols", "seeds"):
            values[name] = tuple(values[name])
        values["pairs"] = tuple((one, other) for one, other in values["pairs"])
        return cls(**values)


_KINDS: Mapping[str, type] = {
    **dict.fromkeys(("datasets", "models", "pairs", "estimators", "protocols", "seeds"), list),
    "n_folds": int,
    "standardize": bool,
    "allow_missing": bool,
    "min_clips": int,
    "paper_names": dict,
    "device": str,
}
"""What the parts of a request are in JSON."""

_DEFAULTS: Mapping[str, Any] = {each.name: each.default for each in fields(StudyRequest)}


def _as_names(names: str | Sequence[str]) -> tuple[str, ...]:
    """Take one name for a tuple of one."""
    return (names,) if isinstance(names, str) else tuple(names)


def _as_pairs(pairs: str | Sequence[str | Sequence[str]]) -> tuple[tuple[str, ...], ...]:
    """Take one pair, or pairs written ``ONE,OTHER``, for a tuple of pairs."""
    each = _as_names(pairs)  # type: ignore[arg-type]
    if len(each) == 2 and all(isinstance(one, str) and "," not in one for one in each):
        return (each,)
    return tuple(
        tuple(name.strip() for name in pair.split(",")) if isinstance(pair, str) else tuple(pair)
        for pair in each
    )


def _check_names(kind: str, names: Sequence[str], *, at_least_one: bool = False) -> None:
    if at_least_one and not names:
        raise ProtocolError(f"expected at least one {kind}, got none.")
    if twice := {name for name in names if list(names).count(name) > 1}:
        raise ProtocolError(f"{kind} {min(twice)!r} is named twice; name each once.")
