"""Options that several commands share."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from reno_store.runtime.dask_client import check_cluster, open_client

if TYPE_CHECKING:
    from distributed import Client

__all__ = [
    "PROTOCOL_HELP",
    "all_problems",
    "client",
    "dask",
    "device",
    "jobs",
    "min_clips",
    "n_folds",
    "numbers",
    "seeds",
    "standardize",
]


def numbers(ctx: click.Context, param: click.Parameter, value: str) -> tuple[int, ...]:
    """Return the seeds of a comma-separated list."""
    one = click.IntRange(0, 2**32 - 1)
    return tuple(one(each.strip(), param, ctx) for each in value.split(","))


n_folds = click.option(
    "--folds",
    "n_folds",
    default=5,
    show_default=True,
    type=int,
    help="Number of folds; loso has one per speaker.",
)

seeds = click.option(
    "--seed",
    "--seeds",
    "seeds",
    default="0",
    show_default=True,
    callback=numbers,
    metavar="NUMBERS",
    help="Seed of folds and classifiers. Several, such as 0,1,2, repeat everything with each.",
)

standardize = click.option(
    "--standardize/--as-stored",
    default=True,
    show_default=True,
    help="Scale embeddings by the mean and standard deviation of each training fold, or not.",
)

all_problems = click.option(
    "--all", "all_problems", is_flag=True, help="List all problems of a manifest, not only 20."
)

min_clips = click.option(
    "--min-clips",
    default=1,
    show_default=True,
    type=click.IntRange(min=1),
    metavar="N",
    help="Leave out labels with fewer clips, and list them.",
)

device = click.option(
    "--device", default="cpu", show_default=True, help="auto, cpu, cuda or cuda:N.", metavar="NAME"
)

jobs = click.option(
    "--jobs",
    "n_jobs",
    default=1,
    show_default=True,
    type=click.IntRange(min=1),
    help="Number of processes over the folds.",
)


def _cluster(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    """Refuse what is no cluster before anything is loaded."""
    if value is not None:
        check_cluster(value)
    return value


dask = click.option(
    "--dask",
    callback=_cluster,
    metavar="CLUSTER",
    help="Compute on a Dask cluster: the address of its scheduler, its scheduler file, or local:4 "
    "for four processes of this machine.",
)


@contextlib.contextmanager
def client(cluster: str | None) -> Iterator[Client | None]:
    """Connect to what --dask names while the block runs; yield None where it names nothing."""
    if cluster is None:
        yield None
        return
    with open_client(cluster) as connected:
        yield connected


PROTOCOL_HELP = (
    "paper (stratified, shuffled), speaker (no speaker on both sides) or loso (leave one speaker "
    "out)."
)
