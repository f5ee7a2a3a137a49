"""What `evaluate_store` was asked for, checked before scikit-learn and torch are imported."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from reno_store.errors import ProtocolError
from reno_store.runtime.devices import check_device
from reno_store.samples import EmbeddingStore, open_store
from reno_store.studies.classifiers import DEFAULT_ESTIMATORS, find_estimator
from reno_store.studies.protocols import check_protocol
from reno_store.studies.seeds import check_seeds

__all__ = ["Asked", "check_comparison"]


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be evaluated; every name in it exists.

    Attributes
    ----------
    store : EmbeddingStore
        The store, open for reading.
    models, estimators, protocols : tuple[str, ...]
        Names, each once.
    seeds : tuple[int, ...]
        Each once.
    """

    store: EmbeddingStore
    models: tuple[str, ...]
    estimators: tuple[str, ...]
    protocols: tuple[str, ...]
    seeds: tuple[int, ...]


def check_comparison(
    store: str | Path,
    dataset: str,
    *,
    models: str | Sequence[str],
    estimators: str | Sequence[str] = (),
    protocols: str | Sequence[str] = ("paper",),
    seed: int | Sequence[int] = 0,
    device: str = "cpu",
) -> Asked:
    """Check names, seeds and the device; read no embedding.

    Parameters
    ----------
    store, dataset, models, estimators, protocols, seed, device
        As for `evaluate_store`.

    Raises
    ------
    UnknownNameError
        If the dataset, a model, an estimator or a protocol is unknown.
    ProtocolError
        If a fusion has fewer than two models, something is named twice, or a seed is out of
        range.
    DeviceError
        If the device has no known name.
    StoreError
        If there is no store.
    """
    names = _names(models)
    chosen = _names(estimators) or tuple(
        name for name in DEFAULT_ESTIMATORS if len(names) > 1 or not find_estimator(name).fuses
    )
    asked = Asked(open_store(store), names, chosen, _names(protocols), check_seeds(seed))
    check_device(device)
    if not asked.models or not asked.protocols:
        raise ProtocolError("expected at least one model and one protocol.")
    for protocol in asked.protocols:
        check_protocol(protocol)
    asked.store.check_names(dataset, asked.models)
    for name in asked.estimators:
        if find_estimator(name).fuses and len(asked.models) < 2:
            raise ProtocolError(
                f"{name} fuses models and needs at least two, got {len(asked.models)}. "
                "Name another with --model, or use --estimator fcn or cnn."
            )
    for given in (asked.models, asked.estimators, asked.protocols):
        if twice := {name for name in given if given.count(name) > 1}:
            raise ProtocolError(f"{min(twice)!r} is named twice; name each once.")
    return asked


def _names(names: str | Sequence[str]) -> tuple[str, ...]:
    """Take one name or several."""
    return (names,) if isinstance(names, str) else tuple(names)
