"""What is asked of a store: which values of β, δ and λ, on which models, in which folds."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from types import MappingProxyType

from reno_store.errors import SearchError
from reno_store.studies.evaluation.protocols import check_protocol
from reno_store.studies.evaluation.seeds import check_seeds

__all__ = ["NAMES", "PAPER_POINT", "SYMBOLS", "GridRequest"]

NAMES = ("beta", "delta", "lam")
"""What is searched over, in the order of a point."""

SYMBOLS = MappingProxyType({"beta": "β", "delta": "δ", "lam": "λ"})

PAPER_POINT = (2.0, 0.2, 0.4)
"""The paper's β, δ and λ (section IV-A)."""

_ALLOWED: dict[str, tuple[str, Callable[[float], bool]]] = {
    "beta": ("numbers above 1", lambda value: value > 1),
    "delta": ("numbers of at least 0", lambda value: value >= 0),
    "lam": ("numbers in [0, 1]", lambda value: 0 <= value <= 1),
}


@dataclass(frozen=True, slots=True)
class GridRequest:
    """What is asked of a store.

    Attributes
    ----------
    dataset : str
        Name of a dataset.
    models : tuple[str, ...]
        Models to fuse, at least two.
    beta, delta, lam : tuple[float, ...]
        Values to try, every one with every other; smallest first, each once.
    protocol : str
        A name in `PROTOCOLS`.
    n_folds : int
        How many folds; ``loso`` has one a speaker.
    seeds : tuple[int, ...]
        Seed folds and training: every point is scored with each.
    standardize : bool
        Whether to scale X by the mean and standard deviation of each training fold.
    allow_missing : bool
        Whether clips that lack an embedding of one of the models are left out.
    min_clips : int
        Labels with fewer clips are left out; 1 leaves none out.
    device : str
        Where networks are trained.

    Raises
    ------
    SearchError
        If a list is empty or values are not allowed (all are told at once), there are fewer than
        two models, one is named twice, or `min_clips` is below 1.
    UnknownNameError
        If there is no such protocol.
    ProtocolError
        If there is no seed, one stands twice or one is out of range.
    """

    dataset: str
    models: tuple[str, ...]
    beta: tuple[float, ...] = (1.5, 2.0, 3.0)
    delta: tuple[float, ...] = (0.05, 0.2, 0.8)
    lam: tuple[float, ...] = (0.2, 0.4, 0.8)
    protocol: str = "paper"
    n_folds: int = 5
    seeds: tuple[int, ...] = (0,)
    standardize: bool = True
    allow_missing: bool = False
    min_clips: int = 1
    device: str = "cpu"

    def __post_init__(self) -> None:
        problems = [problem for name in NAMES if (problem := self._problem(name))]
        if problems:
            raise SearchError("; ".join(problems) + ".")
        for name in NAMES:
            object.__setattr__(self, name, tuple(sorted(set(map(float, getattr(self, name))))))
        if len(self.models) < 2:
            raise SearchError(
                f"RENO fuses two models or more, got {', '.join(self.models) or 'none'}; name each "
                "with --model."
            )
        if twice := {name for name in self.models if self.models.count(name) > 1}:
            raise SearchError(f"model {min(twice)!r} is named twice; name each once.")
        check_protocol(self.protocol)
        if self.min_clips < 1:
            raise SearchError(f"min_clips is {self.min_clips}; expected at least 1.")
        object.__setattr__(self, "seeds", check_seeds(self.seeds))

    @property
    def points(self) -> tuple[tuple[float, float, float], ...]:
        """(β, δ, λ) of every point, in the order of scikit-learn's ParameterGrid."""
        return tuple(product(self.beta, self.delta, self.lam))

    def _problem(self, name: str) -> str:
        values = getattr(self, name)
        expected, holds = _ALLOWED[name]
        if not values:
            return f"{name}: expected {expected}, at least one, got none"
        wrong = [f"{value:g}" for value in values if not (math.isfinite(value) and holds(value))]
        return f"{name}: expected {expected}, got {', '.join(wrong)}" if wrong else ""
