"""A study as the text of a page.

jinja escapes everything that enters the HTML, and the script receives nothing of the study but
the HTML, so no name can break out of it. The page forbids itself to load anything: style and
script are allowed by their hashes, images as ``data:`` alone.
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
from reno_store.conclusions import Claim, Comparison
from reno_store.conclusions.names import cell_title, estimator_title, models_title
from reno_store.errors import RenoStoreError
from reno_store.reports.commands import Commands, PythonCalls
from reno_store.reports.figures import Figure
from reno_store.reports.figures import to_svg as draw_svg
from reno_store.reports.tables import Entry, Table
from reno_store.reports.tables.layout import N_NAMES
from reno_store.reports.tables.transfer_notes import transfer_notes
from reno_store.runtime.numbers import NOTHING, count, interval, listing, p_value, points, score
from reno_store.samples.rare_labels import rare_labels_note
from reno_store.studies import PROTOCOLS, Cell, Study
from reno_store.studies.scores import COLLAPSED, METRIC_TITLES, Metric

__all__ = ["render_page"]

_SIZES = re.compile(r'<svg\b[^>]*?\swidth="([0-9.]+)pt"\s+height="([0-9.]+)pt"')


def render_page(
    study: Study,
    *,
    summary: Sequence[str] = (),
    tables: Sequence[Table] = (),
    claims: Sequence[Claim] = (),
    comparisons: Sequence[Comparison] = (),
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
    summary : Sequence[str]
        Sentences at the top of the page; by default those of `claims`.
    tables : Sequence[Table]
        The paper's tables.
    claims, comparisons : Sequence
        The study's conclusions.
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
    return (
        _environment()
        .get_template("page.html.jinja")
        .render(
            study=study,
            title=f"Emotion in non-verbal vocalisations: {listing(study.corpora)}",
            style=style,
            script=script,
            policy=_forbid_loads(style, script),
            summary=tuple(summary) or tuple(claim.sentence for claim in claims),
            fingerprints={name: _to_json(each) for name, each in (fingerprints or {}).items()},
            protocols={name: PROTOCOLS[name] for name in study.request.protocols},
            hyperparameters=_hyperparameters(study),
            tables=[(table, list(_rows(study, table))) for table in tables],
            claims=tuple(claims),
            comparisons=comparisons,
            pictures=[_picture(figure, to_svg(figure)) for figure in figures],
            commands=rows.values(),
            study_command=commands.study(study),
            version=__version__,
        )
    )


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
        "estimator_title": estimator_title,
        "interval": interval,
        "listing": listing,
        "models_title": models_title,
        "number": "{:,}".format,
        "p_value": p_value,
        "per_cent": lambda share: f"{100 * share:.1f}",
        "points": points,
        "rare_note": rare_labels_note,
        "transfer_notes": transfer_notes,
        "reason": _reason,
        "score": _score,
    }
    environment.tests["finite"] = math.isfinite
    environment.globals |= {"NOTHING": NOTHING, "METRICS": METRIC_TITLES, "N_NAMES": N_NAMES}
    return environment


def _read(name: str) -> str:
    return files("reno_store.reports.page").joinpath("templates", name).read_text(encoding="utf-8")


def _forbid_loads(style: str, script: str) -> str:
    """Write the content security policy: nothing is loaded, and only our own script runs."""
    style_hash, script_hash = (
        base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        for text in (style, script)
    )
    return (
        f"default-src 'none'; img-src data:; style-src 'sha256-{style_hash}'; "
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


def _picture(figure: Figure, svg: str) -> tuple[Figure, str, int, int]:
    """Return a figure, its image as a ``data:`` address, its width and height in pixels.

    An image rather than elements of the page, because ids of two SVGs could clash, and because a
    browser runs no script in an image and loads nothing for it.
    """
    sizes = _SIZES.search(svg)
    if sizes is None:
        raise RenoStoreError(
            f"figure {figure.name!r}: expected an SVG with a width and a height in pt, got "
            f"{svg[:60]!r}."
        )
    width, height = (round(float(each) * 4 / 3) for each in sizes.groups())
    address = "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode()
    return figure, address, width, height
