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
from collections.abc import Callable, Mapping, Sequence
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from reno_store import __version__
from reno_store.conclusions import Claim, Comparison
from reno_store.conclusions.names import cell_title, estimator_title, models_title
from reno_store.errors import RenoStoreError
from reno_store.reports.commands import Commands, PythonCalls
from reno_store.reports.figures import Figure
from reno_store.reports.page.pictures import make_pictures
from reno_store.reports.tables import Table
from reno_store.reports.tables.layout import N_NAMES
from reno_store.reports.tables.transfer_notes import transfer_notes
from reno_store.runtime.numbers import NOTHING, count, interval, listing, p_value, points, score
from reno_store.samples.rare_labels import rare_labels_note
from reno_store.studies import METRICS, PROTOCOLS, Cell, Study
from reno_store.studies.scores import COLLAPSED, METRIC_TITLES, Metric

__all__ = ["render_page"]

_COMPARISONS = {
    "reno-concat": "RENO vs concatenation",
    "mamba-attention": "Mamba-based vs attention-based models",
    "cnn-fcn": "CNN vs FCN",
    "network-probe": "Networks vs logistic regression",
    "paper-speaker": "The paper's protocol vs speaker-disjoint folds",
}


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
        Draws a figure as an SVG that needs no fonts or files; required with figures.
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
        If figures are passed without `to_svg`, or its result is not an SVG.
    """
    if figures and to_svg is None:
        raise RenoStoreError(
            f"{count(len(figures), 'figure')}, and to_svg, which draws them, is missing."
        )
    commands = commands or PythonCalls()
    style, script = _read("page.css"), _read("page.js")
    template = _environment().get_template("page.html.jinja")
    lines = [_command_line(study, number, commands) for number in range(len(study.cells))]
    return template.render(
        study=study,
        title=f"Emotion in non-verbal vocalisations: {listing(study.corpora)}",
        style=style,
        script=script,
        policy=_forbid_loads(style, script),
        summary=tuple(summary) or tuple(claim.sentence for claim in claims),
        fingerprints={name: _to_json(each) for name, each in (fingerprints or {}).items()},
        protocols={name: PROTOCOLS[name] for name in study.request.protocols},
        hyperparameters=_hyperparameters(study),
        tables=[
            {"id": f"table-{number}", "notes": table.notes, **_score_table(study, table)}
            for number, table in enumerate(tables, 1)
        ],
        claims=tuple(claims),
        comparisons=_comparison_tables(comparisons),
        pictures=make_pictures(figures, to_svg) if to_svg else (),
        commands=_grouped(lines),
        study_command=commands.study(study),
        version=__version__,
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
        "count": count,
        "estimator_title": estimator_title,
        "listing": listing,
        "number": "{:,}".format,
        "per_cent": lambda share: f"{100 * share:.1f}",
        "rare_note": rare_labels_note,
        "transfer_notes": transfer_notes,
    }
    environment.globals |= {"NOTHING": NOTHING}
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


def _sort_value(number: float) -> float | None:
    """Return what a column is sorted by; None, which comes last, where there is no number."""
    return number if math.isfinite(number) else None


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


def _command_line(study: Study, number: int, commands: Commands) -> dict[str, Any]:
    cell = study.cells[number]
    return {
        "id": f"cell-{number + 1}",
        "cell": cell,
        "estimator": estimator_title(cell),
        "models": models_title(cell.models),
        "accuracy": _score(cell, "accuracy"),
        "macro_f1": _score(cell, "macro_f1"),
        "reason": _reason(cell),
        "command": commands.cell(study, cell),
    }


def _grouped(lines: Sequence[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """Group lines by dataset and protocol."""
    groups: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for line in lines:
        groups.setdefault((line["cell"].dataset, line["cell"].protocol), []).append(line)
    return list(groups.values())


def _score(cell: Cell, metric: Metric) -> str:
    if not cell.computed:
        return ""
    sd = 100 * cell.sd(metric) if cell.n > 1 else None
    return score(100 * cell.mean(metric), sd, COLLAPSED if cell.n_collapsed else "")


def _reason(cell: Cell) -> str:
    if cell.computed or not cell.reason or cell.reason.startswith("not computed"):
        return "" if cell.computed else cell.reason or "not computed"
    return f"not computed: {cell.reason}"


def _score_table(study: Study, table: Table) -> dict[str, Any]:
    places = {id(cell): number for number, cell in enumerate(study.cells, 1)}
    numeric = [any(math.isfinite(e.value) for e in entries) for entries in table.columns]
    rows = []
    for cell, entries in table.rows():
        n_filled = len(entries)
        while not cell.computed and n_filled > N_NAMES and not entries[n_filled - 1].text:
            n_filled -= 1
        rows.append(
            {
                "entries": [(e.text, _sort_value(e.value), e.best) for e in entries[:n_filled]],
                "n_empty": len(entries) - n_filled,
                "reason": _reason(cell),
                "command_id": f"cell-{places[id(cell)]}",
                "label": cell_title(cell),
            }
        )
    columns = list(zip(table.headings, numeric, strict=True))
    return {"title": table.title, "columns": columns, "n_names": N_NAMES, "rows": rows}


def _comparison_tables(comparisons: Sequence[Comparison]) -> list[dict[str, Any]]:
    """Sort comparisons by kind and score."""
    tables = []
    for kind, title in _COMPARISONS.items():
        for metric in METRICS:
            own = [each for each in comparisons if (each.kind, each.metric) == (kind, metric)]
            if own:
                lines = list(map(_comparison_line, own))
                heading = f"{title}: {METRIC_TITLES[metric]}"
                tables.append({"id": f"{kind}-{metric}", "title": heading, "lines": lines})
    return tables


def _comparison_line(comparison: Comparison) -> dict[str, Any]:
    first, second = comparison.first, comparison.second
    low, high = (100 * end for end in comparison.interval)
    return {
        "dataset": first.dataset,
        "protocol": " − ".join(dict.fromkeys((first.protocol, second.protocol))),
        "first": cell_title(first),
        "second": cell_title(second),
        "numbers": [
            (points(100 * comparison.difference), _sort_value(comparison.difference)),
            (interval((low, high)), _sort_value(low)),
            (p_value(comparison.p_holm), _sort_value(comparison.p_holm)),
        ],
        "verdict": comparison.verdict,
        "sentence": comparison.sentence,
    }
