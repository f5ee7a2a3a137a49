"""Which columns of X belong to which model."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from numbers import Integral
from typing import Any, Literal, TypeAlias

__all__ = ["BlockSizes", "blocks_from_names", "resolve_block_sizes"]

BlockSizes: TypeAlias = Sequence[int] | Literal["even"] | None
"""Columns of each block; ``"even"``: two halves; None: read from the columns' names."""


def blocks_from_names(names: Sequence[str] | None) -> tuple[int, ...] | None:
    """Count the columns of each model from names ``MODEL:i``.

    Returns
    -------
    tuple of int, or None
        Sizes in the order of the columns; None where a name has another form.

    Raises
    ------
    ValueError
        If the columns of one model are not adjacent.

    Examples
    --------
    >>> blocks_from_names(["mfcc:0", "mfcc:1", "logmel:0"])
    (2, 1)
    >>> blocks_from_names(["a", "b"]) is None
    True
    """
    if names is None or not len(names):
        return None
    if not all(isinstance(name, str) for name in names):
        return None
    parts = [name.rpartition(":") for name in names]
    if not all(model and index.isdigit() for model, _, index in parts):
        return None
    runs = [(model, len(list(run))) for model, run in groupby(model for model, _, _ in parts)]
    models = [model for model, _ in runs]
    if len(set(models)) < len(models):
        raise ValueError(
            f"the columns of one model must be adjacent; found the models {models} in this order"
        )
    return tuple(size for _, size in runs)


def resolve_block_sizes(
    block_sizes: BlockSizes, n_features: int, names: Sequence[str] | None
) -> tuple[int, ...]:
    """Return the sizes of the blocks of X.

    Parameters
    ----------
    block_sizes : Sequence[int], "even" or None
        The hyperparameter.
    n_features : int
        Columns of X.
    names : Sequence[str] or None
        Names of the columns, where X has any.

    Returns
    -------
    tuple of int
        At least two sizes that add up to `n_features`.

    Raises
    ------
    ValueError
        If they are unknown, do not add up (both sums are shown), or are fewer than two.
    """
    named = blocks_from_names(names)
    if block_sizes is None:
        if named is None:
            raise ValueError(
                f"which of the {n_features} columns belong to which model? Either pass "
                "block_sizes=samples.block_sizes (or block_sizes='even' for two halves), or "
                "a DataFrame with columns named 'MODEL:i', as EmbeddingLookup, AudioEmbedder "
                "and samples.to_frame() return. In a pipeline a scaler drops these names, "
                "unless set_output(transform='pandas') is called on the pipeline."
            )
        sizes = named
    elif isinstance(block_sizes, str):
        if block_sizes != "even":
            raise ValueError(
                f"block_sizes must be a sequence of whole numbers, 'even' or None, "
                f"got {block_sizes!r}"
            )
        sizes = (n_features - n_features // 2, n_features // 2)
    else:
        sizes = _checked(block_sizes, n_features)
    if len(sizes) < 2 or min(sizes) < 1:
        raise ValueError(
            f"at least two blocks of at least one column are needed to fuse models, "
            f"got blocks {sizes} for n_features = {n_features}"
        )
    if named is not None and named != sizes:
        raise ValueError(
            f"block_sizes {sizes} disagree with the columns' names, which say {named}; "
            "leave block_sizes=None to follow the names"
        )
    return sizes


def _checked(block_sizes: Sequence[int], n_features: int) -> tuple[int, ...]:
    try:
        sizes: tuple[Any, ...] = tuple(block_sizes)
    except TypeError:
        sizes = (None,)
    if not all(isinstance(size, Integral) and not isinstance(size, bool) for size in sizes):
        raise ValueError(
            f"block_sizes must be a sequence of whole numbers, 'even' or None, got {block_sizes!r}"
        )
    sizes = tuple(int(size) for size in sizes)
    if sum(sizes) != n_features:
        raise ValueError(
            f"block_sizes {sizes} add up to {sum(sizes)}, but X has {n_features} columns"
        )
    return sizes
