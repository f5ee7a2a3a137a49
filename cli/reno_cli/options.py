"""Options that several commands share."""

from __future__ import annotations

import click

__all__ = ["numbers"]


def numbers(ctx: click.Context, param: click.Parameter, value: str) -> tuple[int, ...]:
    """Take one seed, or several with commas between them."""
    one = click.IntRange(0, 2**32 - 1)
    return tuple(one(each.strip(), param, ctx) for each in value.split(","))
