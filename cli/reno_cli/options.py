"""Options that several commands share."""

from __future__ import annotations

import click

__all__ = [
    "PROTOCOL_HELP",
    "all_problems",
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

PROTOCOL_HELP = (
    "paper (stratified, shuffled), speaker (no speaker on both sides) or loso (leave one speaker "
    "out)."
)
