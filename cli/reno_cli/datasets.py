"""``reno-store datasets``: the corpora with a card."""

from __future__ import annotations

import json
import shutil
import textwrap
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reno_store.corpora import Card, Expectation

__all__ = ["datasets"]

_WIDEST = 100
_INDENT = 14


@click.command(short_help="List the known corpora.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def datasets(as_json: bool) -> None:
    """List the corpora that `reno-store manifest` knows by name.

    For each: licence, source, counts of a complete copy, and what is uncertain. Nothing is
    downloaded: get the corpus, unpack it, and give its folder to `reno-store manifest`.
    """
    from reno_store.corpora import load_cards

    cards = load_cards()
    if as_json:
        click.echo(json.dumps([card.to_dict() for card in cards], indent=2, ensure_ascii=False))
        return
    for card in cards:
        for heading, text in _facts(card):
            click.echo(_paragraph(heading, text))
        click.echo()
    click.echo("Next: reno-store manifest NAME FOLDER -o FOLDER/NAME.csv")


def _facts(card: Card) -> Iterator[tuple[str, str]]:
    yield card.name, card.title
    yield "  licence", card.licence
    yield "  from", card.source
    for number, subset in enumerate(card.subsets):
        expected = _expected(subset.expected)
        if subset.description:
            default = " (default)" if number == 0 else ""
            text = f"{subset.name}{default}: {expected}; {subset.description}"
            yield "" if number else "  subsets", text
        elif subset.expected.totals:
            yield "  complete", expected
    for number, sentence in enumerate(card.uncertain):
        yield "" if number else "  uncertain", sentence


def _expected(expected: Expectation) -> str:
    totals = expected.totals
    return ", ".join(
        f"{totals[what]:,} {what}" if what in totals else f"{what} unknown"
        for what in ("clips", "labels", "speakers")
    )


def _paragraph(heading: str, text: str) -> str:
    width = min(shutil.get_terminal_size((_WIDEST, 24)).columns, _WIDEST)
    return textwrap.fill(
        text,
        width=max(width, 3 * _INDENT),
        initial_indent=heading.ljust(_INDENT),
        subsequent_indent=" " * _INDENT,
        break_long_words=False,
        break_on_hyphens=False,
    )
