"""Requests: which datasets, models, estimators, settings, protocols and seeds to evaluate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from reno_store.errors import ProtocolError, Remedy, StoreError, UnknownNameError
from reno_store.runtime.places import BucketPlace, open_place
from reno_store.studies.classifiers import DEFAULT_ESTIMATORS, find_estimator
from reno_store.studies.corpus_pairs import CorpusPair, list_pairs
from reno_store.studies.label_maps import LabelMap
from reno_store.studies.paper_values import PAPER_DATASETS
from reno_store.studies.protocols import PROTOCOLS, check_protocol
from reno_store.studies.request_checks import as_names, as_pairs, check_names, check_seeds
from reno_store.studies.settings import check_settings

if TYPE_CHECKING:
    from sklearn.base import BaseEstimator

__all__ = ["Named", "StudyRequest", "results_folder"]

Named: TypeAlias = "str | tuple[str, BaseEstimator]"
"""An estimator: a name in `ESTIMATORS`, or a name of your choice and the estimator itself."""


def results_folder(store: str | Path | BucketPlace) -> Path:
    """Return the folder in which a store's results are kept: ``my.results`` for ``my.zarr``.

    It is next to the store; for a store in a bucket, in the working directory.
    """
    place = open_place(store, "store", StoreError)
    folder = place.resolve().parent if isinstance(place, Path) else Path.cwd()
    return folder / f"{place.name.removesuffix('.zarr')}.results"


@dataclass(frozen=True, slots=True)
class StudyRequest:
    """What to evaluate in a store.

    A single name may replace a tuple of one: ``StudyRequest("jnv", models="mfcc", seeds=3)``.
    A list becomes a tuple.

    Attributes
    ----------
    datasets : tuple[str, ...]
        Names of datasets, at least one.
    models : tuple[str, ...]
        Names of models; empty for all that the store has for the datasets and, where a dataset
        is one of the paper's, all of the paper's.
    pairs : tuple[tuple[str, ...], ...]
        Models to fuse, two or more each; empty for every pair of the models except two
        Audio-Mambas, which the paper does not fuse. For the paper's seven models these are its
        18 pairs. A pair may be written as on the command line, ``"mfcc,logmel"``.
    estimators : tuple[str or (str, estimator), ...]
        Names in `ESTIMATORS`, or of scikit-learn's classifiers, or pairs of a name and an
        estimator. By default the paper's four and ``logreg``, the linear probe.
    protocols : tuple[str, ...]
        Names in `PROTOCOLS`. Those across corpora take two datasets or more.
    n_folds : int
        Number of folds; ``loso`` has one per speaker, protocols across corpora have one.
    seeds : tuple[int, ...]
        Everything is repeated with each seed.
    standardize : bool
        Whether to scale X by the mean and standard deviation of each training fold.
    allow_missing : bool
        Whether to leave out clips that lack an embedding of any of a dataset's models, for all
        of them. Otherwise a model that lacks clips is not evaluated.
    min_clips : int
        Labels with fewer clips are left out; 1 leaves none out.
    paper_names : Mapping[str, str]
        Dataset -> ``"asvp-esd"``, ``"jnv"`` or ``"vivae"``, where its name does not show it.
    device : str
        Where networks are trained.
    settings : Mapping[str, Mapping[str, tuple]]
        Estimator -> hyperparameter -> values. Every combination of an estimator's values is
        evaluated. A single value may replace a tuple of one; a value that is itself a tuple or
        list must be in a tuple: ``{"fcn": {"dropout": (0.1, 0.3)}}``.
    alone : bool
        Whether estimators that take any number of models are evaluated on each model alone too,
        not only on the pairs.
    train_on, test_on : tuple[str, ...]
        Under the protocols across corpora, datasets to train and to test on; empty for all.
    label_map : LabelMap or Mapping
        Common words for labels of different datasets. Others match by name.
    shared_speaker_ids : bool
        Whether equal speaker ids in different datasets name one person. Then corpora that share a
        speaker are refused; otherwise equal ids are taken as different people.

    Raises
    ------
    UnknownNameError
        If there is no such estimator, protocol or dataset of the paper.
    ProtocolError
        If something is named twice, a number is out of range, or a pair does not have two
        different models.
    SearchError
        If settings name unknown estimators or hyperparameters, or values that are not allowed.
    """

    datasets: tuple[str, ...]
    models: tuple[str, ...] = ()
    pairs: tuple[tuple[str, ...], ...] = ()
    estimators: tuple[Named, ...] = DEFAULT_ESTIMATORS
    protocols: tuple[str, ...] = ("paper", "speaker")
    n_folds: int = 5
    seeds: tuple[int, ...] = (0,)
    standardize: bool = True
    allow_missing: bool = False
    min_clips: int = 1
    paper_names: Mapping[str, str] = field(default_factory=dict)
    device: str = "cpu"
    settings: Mapping[str, Mapping[str, tuple[Any, ...]]] = field(default_factory=dict)
    alone: bool = True
    train_on: tuple[str, ...] = ()
    test_on: tuple[str, ...] = ()
    label_map: LabelMap = field(default_factory=LabelMap)
    shared_speaker_ids: bool = False

    if TYPE_CHECKING:
        # What the arguments may be, where a dataclass has only what the fields are afterwards.
        def __init__(
            self,
            datasets: str | Sequence[str],
            models: str | Sequence[str] = (),
            pairs: str | Sequence[str | Sequence[str]] = (),
            estimators: Named | Sequence[Named] = DEFAULT_ESTIMATORS,
            protocols: str | Sequence[str] = ("paper", "speaker"),
            n_folds: int = 5,
            seeds: int | Sequence[int] = (0,),
            standardize: bool = True,
            allow_missing: bool = False,
            min_clips: int = 1,
            paper_names: Mapping[str, str] = ...,
            device: str = "cpu",
            settings: Mapping[str, Mapping[str, Any]] = ...,
            alone: bool = True,
            train_on: str | Sequence[str] = (),
            test_on: str | Sequence[str] = (),
            label_map: LabelMap | Mapping[str, Any] = ...,
            shared_speaker_ids: bool = False,
        ) -> None: ...

    def __post_init__(self) -> None:
        for name in ("datasets", "models", "estimators", "protocols", "train_on", "test_on"):
            object.__setattr__(self, name, as_names(getattr(self, name)))
        object.__setattr__(self, "pairs", as_pairs(self.pairs))
        object.__setattr__(self, "seeds", check_seeds(self.seeds))
        check_names("dataset", self.datasets, at_least_one=True)
        check_names("model", self.models)
        check_names("estimator", self.estimator_names, at_least_one=True)
        check_names("protocol", self.protocols, at_least_one=True)
        for named in self.estimators:
            find_estimator(named)
        for name in self.protocols:
            check_protocol(name)
        for pair in self.pairs:
            if len(pair) < 2 or len(set(pair)) < len(pair) or not all(pair):
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
        object.__setattr__(self, "settings", check_settings(self.settings, self.estimators))
        if not isinstance(self.label_map, LabelMap):
            object.__setattr__(self, "label_map", LabelMap(self.label_map))
        self._check_across()

    def _check_across(self) -> None:
        if not self.across:
            if self.train_on or self.test_on:
                raise ProtocolError(
                    "train_on and test_on need a protocol across corpora, got "
                    f"{', '.join(self.protocols)}.",
                    Remedy("Use one", {"protocols": ("cross-corpus",)}),
                )
            return
        for protocol in self.across:
            list_pairs(protocol, self.datasets, self.train_on, self.test_on)

    @property
    def across(self) -> tuple[str, ...]:
        """The protocols that train on some datasets and test on another."""
        return tuple(name for name in self.protocols if PROTOCOLS[name].across)

    @property
    def within(self) -> tuple[str, ...]:
        """The protocols that divide a single dataset."""
        return tuple(name for name in self.protocols if not PROTOCOLS[name].across)

    def corpus_pairs(self) -> dict[CorpusPair, tuple[str, ...]]:
        """Return each pair of corpora, and the protocols that have it."""
        pairs: dict[CorpusPair, tuple[str, ...]] = {}
        for protocol in self.across:
            for pair in list_pairs(protocol, self.datasets, self.train_on, self.test_on):
                pairs[pair] = (*pairs.get(pair, ()), protocol)
        return pairs

    @property
    def estimator_names(self) -> tuple[str, ...]:
        """The names of the estimators, in order."""
        return tuple(each if isinstance(each, str) else each[0] for each in self.estimators)

    def named(self, name: str) -> Named:
        """Return an estimator of the request by its name, as it was given."""
        return self.estimators[self.estimator_names.index(name)]

    def of(self, datasets: Sequence[str]) -> StudyRequest:
        """Return the same request for some of its datasets."""
        names = {name: of for name, of in self.paper_names.items() if name in datasets}
        return replace(
            self,
            datasets=tuple(datasets),
            paper_names=names,
            train_on=tuple(name for name in self.train_on if name in datasets),
            test_on=tuple(name for name in self.test_on if name in datasets),
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the request as JSON values; an estimator object becomes its name and class."""
        values = {each.name: getattr(self, each.name) for each in fields(self)}
        lists = {name: list(values[name]) for name, kind in _KINDS.items() if kind is list}
        return {
            **values,
            **lists,
            "pairs": [list(pair) for pair in self.pairs],
            "estimators": [
                each if isinstance(each, str) else [each[0], type(each[1]).__qualname__]
                for each in self.estimators
            ],
            "paper_names": dict(self.paper_names),
            "label_map": asdict(self.label_map),
            "settings": {
                name: {parameter: list(values) for parameter, values in own.items()}
                for name, own in self.settings.items()
            },
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> StudyRequest:
        """Make a request of what `to_dict` returned, in this version or an earlier one.

        Raises
        ------
        ValueError, TypeError, RenoStoreError
            If it is something else.
        """
        if not isinstance(values, Mapping) or not values.keys() <= _KINDS.keys():
            raise ValueError("expected the parts of a request")
        for name, value in values.items():
            if type(value) is not _KINDS[name]:
                raise TypeError(f"{name}: expected {_KINDS[name].__name__}, got {value!r}")
        tuples = {name: tuple(value) for name, value in values.items() if _KINDS[name] is list}
        tuples["pairs"] = tuple(map(tuple, tuples.get("pairs", ())))
        label_map = LabelMap(**values.get("label_map", {}))
        return cls(**{**values, **tuples, "label_map": label_map})


_KINDS: Mapping[str, type] = {
    **dict.fromkeys(("datasets", "models", "pairs", "estimators", "protocols", "seeds"), list),
    "n_folds": int,
    "standardize": bool,
    "allow_missing": bool,
    "min_clips": int,
    "paper_names": dict,
    "device": str,
    "settings": dict,
    "alone": bool,
    **dict.fromkeys(("train_on", "test_on"), list),
    "label_map": dict,
    "shared_speaker_ids": bool,
}
"""Field -> type of its JSON value."""
