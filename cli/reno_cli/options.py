"""Options that several commands share, in one wording."""

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
    """Take one seed, or several with commas between them."""
    one = click.IntRange(0, 2**32 - 1)
    return tuple(one(each.strip(), param, ctx) for each in value.split(","))


n_folds = click.option(
    "--folds",
    "n_folds",
    default=5,
    show_default=True,
    type=int,
    help="How many folds; loso has one a speaker.",
)

seeds = click.option(
    "--seed",
    "--seeds",
    "seeds",
    default="0",
    show_default=True,
    callback=numbers,
    metavar="NUMBERS",
    help="Seeds folds and classifiers. Several, as in 0,1,2, repeat everything with each.",
)

standardize = click.option(
    "--standardize/--as-stored",
    default=True,
    show_default=True,
    help="Scale the embeddings by each training fold's mean and standard deviation, or not.",
)

all_problems = click.option(
    "--all", "all_problems", is_flag=True, help="List all problems of a wrong manifest, not 20."
)

min_clips = click.option(
    "--min-clips",
    default=1,
    show_default=True,
    type=click.IntRange(min=1),
    metavar="N",
    help="Leave out labels with fewer clips than that, and say which.",
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
    help="Processes over the folds.",
)

PROTOCOL_HELP = (
    "paper (stratified, shuffled), speaker (no speaker on both sides) or loso (leave one speaker "
    "out)."
)
