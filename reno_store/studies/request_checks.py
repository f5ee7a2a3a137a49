"""Names, pairs and seeds of a request: converted to tuples, and checked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from reno_store.errors import ProtocolError

__all__ = ["as_names", "as_pairs", "check_names", "check_seeds"]

_LARGEST_SEED = 2**32 - 1


def as_names(names: Any) -> tuple[Any, ...]:
    """Return a tuple; one name, or one pair of a name and an estimator, becomes a tuple of one."""
    if isinstance(names, str):
        return (names,)
    one = tuple(names)
    is_pair = len(one) == 2 and isinstance(one[0], str) and not isinstance(one[1], str | tuple)
    return (one,) if is_pair else tuple(tuple(n) if isinstance(n, list) else n for n in one)


def as_pairs(pairs: str | Sequence[str | Sequence[str]]) -> tuple[tuple[str, ...], ...]:
    """Return a tuple of pairs; one pair and pairs written ``ONE,OTHER`` are converted."""
    each = (pairs,) if isinstance(pairs, str) else tuple(pairs)
    if len(each) > 1 and all(isinstance(one, str) and "," not in one for one in each):
        each = (each,)  # type: ignore[assignment]
    return tuple(
        tuple(name.strip() for name in pair.split(",")) if isinstance(pair, str) else tuple(pair)
        for pair in each
    )


def check_names(kind: str, names: Sequence[str], *, at_least_one: bool = False) -> None:
    """Raise `ProtocolError` if a name comes twice, or there is none where one is needed."""
    if at_least_one and not names:
        raise ProtocolError(f"expected at least one {kind}, got none.")
    if twice := {name for name in names if list(names).count(name) > 1}:
        raise ProtocolError(f"{kind} {min(twice)!r} is named twice; name each once.")


def check_seeds(seeds: int | Sequence[int]) -> tuple[int, ...]:
    """Return seeds as a tuple, checked.

    Raises
    ------
    ProtocolError
        If there is none, one comes twice, or one is out of range.
    """
    found = tuple(map(int, seeds)) if isinstance(seeds, Iterable) else (int(seeds),)
    if not found:
        raise ProtocolError("expected at least one seed, got none.")
    for seed in found:
        if not 0 <= seed <= _LARGEST_SEED:
            raise ProtocolError(f"seed {seed} is out of range; expected 0 to {_LARGEST_SEED}.")
        if found.count(seed) > 1:
            raise ProtocolError(
                f"seed {seed} is given twice; the same seed gives the same scores. Name each once."
            )
    return found
