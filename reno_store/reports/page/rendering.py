"""A study as the text of a page.

jinja escapes everything that enters the HTML, and the script receives nothing of the study but
the HTML, so no name can break out of it. The page forbids itself to load anything: style and
script are allowed by their hashes, images and recordings as ``data:`` alone.
"""

from __future__ import annotations

import base64
import hashlib
import json
import math
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from reno_store import __version__
from reno_store.conclusions import Answer, Claim, Comparison
from reno_store.conclusions.names import cell_title, estimator_title, models_title
from reno_store.reports.commands import Commands, PythonCalls
from reno_store.reports.figures import Figure
from reno_store.reports.figures import to_svg as draw_svg
from reno_store.reports.page.clips import ClipsOfDataset
from reno_store.reports.page.pictures import leave_out, picture_of
from reno_store.reports.tables import Entry, Table
from reno_store.reports.tables.findings import (
    COMPARISONS_NOTE,
    Findings,
    across_table,
    claims_table,
    comparison_tables,
    ranking_table,
)
from reno_store.reports.tables.layout import N_NAMES, share_notes
from reno_store.reports.tables.transfer_notes import transfer_notes
from reno_store.runtime.numbers import NOTHING, count, decimal, listing, points, score
from reno_store.samples.rare_labels import rare_labels_note
from reno_store.studies import PROTOCOLS, Cell, Study
from reno_store.studies.scores import COLLAPSED, Metric

__all__ = ["render_page"]

_NUMBER = re.compile(r"(?:< )?([+−]?[0-9][0-9.,]*)")
MOST_BYTES = 4_900_000
"""A page that would be larger has fewer figures."""


def render_page(
    study: Study,
    *,
    answers: Sequence[Answer] = (),
    tables: Sequence[Table] = (),
    comparisons: Sequence[Comparison] = (),
    claims: Sequence[Claim] = (),
    clips: Sequence[ClipsOfDataset] = (),
    figures: Sequence[Figure] = (),
    to_svg: Callable[[Figure], str] | None = None,
    fingerprints: Mapping[str, Mapping[str, Any]] | None = None,
    commands: Commands | None = None,
) -> str:
    """Return the page of a study. The same study gives the same text.

    Parameters
    ----------
    study : Study
        Each of its cells appears on the page, with its scores and how to compute it.
    answers : Sequence[Answer]
        Open the page, each with the figure of all scores of its dataset.
    tables : Sequence[Table]
        The paper's tables.
    comparisons, claims : Sequence
        The study's conclusions. Claims without comparisons are left out.
    clips : Sequence[ClipsOfDataset]
        Maps, and mistaken clips.
    figures : Sequence[Figure]
        Drawn here.
    to_svg : Callable, optional
        Draws a figure as an SVG that needs no fonts or files; `reports.figures.to_svg` by default.
    fingerprints : Mapping, optional
        Model -> its whole fingerprint, as `read_fingerprints` returns it; without it the page
        shows the first digits alone.
    commands : Commands, optional
        How to describe what to run; Python calls by default.

    Returns
    -------
    str
        The whole HTML, including style, script and images.

    Raises
    ------
    RenoStoreError
        If the result of `to_svg` is not an SVG with a width and a height.
    """
    commands, to_svg = commands or PythonCalls(), to_svg or draw_svg
    rows: dict[tuple[str, str], list[Any]] = defaultdict(list)
    for number, cell in enumerate(study.cells, 1):
        rows[cell.dataset, cell.protocol].append((number, cell, commands.cell(study, cell)))
    style, script = _read("page.css"), _read("page.js")
    pairs = {each.name for each in study.datasets if each.transfer is not None}
    within = [answer for answer in answers if answer.dataset not in pairs]
    general, after = share_notes(study, tables)
    template = _environment().get_template("page.html.jinja")
    contents = {
        "study": study,
        "title": f"Emotion in non-verbal vocalizations: {listing(study.corpora)}",
        "style": style,
        "script": script,
        "policy": _forbid_loads(style, script),
        "fingerprints": {name: _to_json(each) for name, each in (fingerprints or {}).items()},
        "protocols": {name: PROTOCOLS[name] for name in study.request.protocols},
        "hyperparameters": _hyperparameters(study),
        "tables": [
            (table, list(_rows(study, table)), notes)
            for table, notes in zip(tables, after, strict=True)
        ],
        "notes_of_all": general,
        "rankings": [ranking_table(answer) for answer in within if len(answer.ranking) > 1],
        "across": across_table(study),
        "comparisons": comparison_tables(comparisons),
        "comparisons_note": COMPARISONS_NOTE,
        "claims": claims_table(claims),
        "clips": clips,
        "commands": rows.values(),
        "study_command": commands.study(study),
        "version": __version__,
    }
    pictures = [picture_of(figure, to_svg) for figure in figures]
    opening = {each.figure.dataset: each for each in pictures if each.figure.kind == "scores"}
    shown = [(answer, opening.pop(answer.dataset, None)) for answer in within]
    others = [
        each for each in pictures if each.figure.kind != "scores" or each.figure.dataset in opening
    ]
    transfer = next((each for each in others if each.figure.kind == "transfer"), None)
    others = [each for each in others if each is not transfer]
    contents |= {"answers": shown, "transfer": transfer}
    text = template.render(**contents, pictures=others, left_out=())
    if (excess := len(text.encode("utf-8", "replace")) - MOST_BYTES) > 0:
        kept, left_out = leave_out(others, excess)
        text = template.render(**contents, pictures=kept, left_out=left_out)
    return text


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("reno_store.reports.page"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "cell_title": cell_title,
        "count": count,
        "decimal": decimal,
        "estimator_title": estimator_title,
        "in_short": _in_short,
        "listing": listing,
        "models_title": models_title,
        "number": "{:,}".format,
        "number_in": _number_in,
        "per_cent": lambda share: f"{100 * share:.1f}",
        "rare_note": rare_labels_note,
        "transfer_notes": transfer_notes,
        "reason": _reason,
        "score": _score,
        "sections": _sections,
        "tied": _tie,
    }
    environment.tests["finite"] = math.isfinite
    environment.globals |= {"NOTHING": NOTHING, "N_NAMES": N_NAMES, "PROTOCOLS": PROTOCOLS}
    return environment


def _read(name: str) -> str:
    return files("reno_store.reports.page").joinpath("templates", name).read_text(encoding="utf-8")


def _in_short(answer: Answer) -> str:
    """Return whether the best matters, in a line."""
    if answer.beats_guessing is False:
        return "No score is shown to be higher than always guessing the most frequent label."
    best, n_others = answer.best, len(answer.ranking) - 1
    above = f"{points(100 * (best.score - best.guessing))} points above guessing"
    if not best.beats_guessing:
        above += ", which is not shown to be more than chance"
    if not n_others:
        return f"{above}."
    n_ties = len(answer.ties)
    if not n_ties:
        return (
            f"{above}, and better than all {n_others} others."
            if n_others > 1
            else (f"{above}, and better than the other.")
        )
    return f"{above}; {n_ties} of {count(n_others, 'other')} may be as good."


def _tie(text: object) -> str:
    """Keep numbers and their signs on one line."""
    return re.sub(r" (?=%|±)|(?<=p [=<]) |(?<=\bp) (?=[=<] )", "\N{NO-BREAK SPACE}", str(text))


def _forbid_loads(style: str, script: str) -> str:
    """Write the content security policy: nothing is loaded, and only our own script runs."""
    style_hash, script_hash = (
        base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        for text in (style, script)
    )
    return (
        f"default-src 'none'; img-src data:; media-src data:; style-src 'sha256-{style_hash}'; "
        f"script-src 'sha256-{script_hash}'; base-uri 'none'; form-action 'none'"
    )


def _to_json(values: Mapping[str, Any]) -> str:
    return json.dumps(dict(values), indent=2, sort_keys=True, ensure_ascii=False, default=str)


def _hyperparameters(study: Study) -> dict[str, str]:
    """Return estimator -> the hyperparameters, as JSON, that all its cells share.

    Others, such as block sizes, follow from the models and differ from cell to cell.
    """
    found = {}
    for name in study.request.estimator_names:
        cells = [cell.parameters for cell in study.select(estimator=name, computed=True)]
        same = {
            key: value
            for key, value in (cells[0] if cells else {}).items()
            if all(key in other and other[key] == value for other in cells)
        }
        if same:
            found[estimator_title(name)] = _to_json(same)
    return found


def _score(cell: Cell, metric: Metric) -> str:
    if not cell.computed:
        return ""
    sd = 100 * cell.sd(metric) if cell.n > 1 else None
    return score(100 * cell.mean(metric), sd, COLLAPSED if cell.n_collapsed else "")


def _reason(cell: Cell) -> str:
    if cell.computed or not cell.reason or cell.reason.startswith("not computed"):
        return "" if cell.computed else cell.reason or "not computed"
    return f"not computed: {cell.reason}"


def _rows(study: Study, table: Table) -> Iterator[tuple[int, Cell, Sequence[Entry], int]]:
    """Yield each cell's number and entries, without the empty ones at its end; and their count."""
    numbers = {id(cell): number for number, cell in enumerate(study.cells, 1)}
    for cell, entries in table.rows():
        n_filled = len(entries)
        while not cell.computed and n_filled > N_NAMES and not entries[n_filled - 1].text:
            n_filled -= 1
        yield numbers[id(cell)], cell, entries[:n_filled], len(entries) - n_filled


def _sections(table: Findings) -> list[tuple[str, tuple[tuple[str, ...], ...]]]:
    """Return the rows of a table of conclusions, by what they are about."""
    starts = sorted({0, *table.sections})
    ends = [*starts[1:], len(table.rows)]
    return [
        (table.sections.get(start, ""), table.rows[start:end])
        for start, end in zip(starts, ends, strict=True)
    ]


def _number_in(text: str) -> float:
    """Return the number that a text starts with; NaN where it starts with none."""
    found = _NUMBER.match(text)
    return float(found[1].replace("−", "-").replace(",", "")) if found else math.nan
