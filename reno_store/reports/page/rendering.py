"""A study as the text of a page.

Everything is escaped where it enters the HTML; the script gets nothing of the study but the
HTML itself, so no name can break out of it. The page forbids itself every load: style and
script are allowed by their hashes, images as ``data:`` alone.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping, Sequence
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from reno_store import __version__
from reno_store.conclusions import Claim, Comparison
from reno_store.errors import RenoStoreError
from reno_store.reports.figures import Figure
from reno_store.reports.page.facts import (
    datasets_of,
    hyperparameters_of,
    models_of,
    protocols_of,
    settings_of,
)
from reno_store.reports.page.findings import comparisons_of, summarize
from reno_store.reports.page.pictures import make_pictures
from reno_store.reports.page.scores import commands_of, tables_of
from reno_store.reports.page.wording import write_count, write_list
from reno_store.reports.tables import TableView
from reno_store.studies import Study

__all__ = ["render_page"]


def render_page(
    study: Study,
    *,
    summary: Sequence[str] = (),
    views: Sequence[TableView] = (),
    claims: Sequence[Claim] = (),
    comparisons: Sequence[Comparison] = (),
    figures: Sequence[Figure] = (),
    to_svg: Callable[[Figure], str] | None = None,
    fingerprints: Mapping[str, Mapping[str, Any]] | None = None,
) -> str:
    """Make a page of a study. The same study gives the same text.

    Parameters
    ----------
    study : Study
        What the page is of. Each of its cells stands on it, with scores and command.
    summary : Sequence[str]
        Sentences that open the page; by default those of `claims`, or where there are more
        than six, where each claim holds.
    views : Sequence[TableView]
        The paper's tables.
    claims, comparisons : Sequence
        What may be concluded.
    figures : Sequence[Figure]
        Drawn here.
    to_svg : Callable, optional
        Draws a figure, as an SVG that needs no fonts or files; needed where there are figures.
    fingerprints : Mapping, optional
        Model -> its whole fingerprint, as `read_fingerprints` gives; without it the page has
        the first digits alone.

    Returns
    -------
    str
        HTML, whole: with style, script and images inside.

    Raises
    ------
    RenoStoreError
        If there are figures and nothing draws them, or what comes is no SVG.
    """
    if figures and to_svg is None:
        raise RenoStoreError(
            f"{write_count(len(figures), 'figure')} and nothing that draws them; give to_svg."
        )
    style, script = _read("page.css"), _read("page.js")
    commands = commands_of(study)
    environment = Environment(
        loader=PackageLoader("reno_store.reports.page"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    datasets = write_list(each.name for each in study.datasets)
    return environment.get_template("page.html.jinja").render(
        study=study,
        title=f"Emotion in non-verbal vocalisations: {datasets}",
        style=style,
        script=script,
        policy=_forbid_loads(style, script),
        summary=tuple(summary) or summarize(claims),
        extent=_describe_extent(study),
        datasets=datasets_of(study),
        models=models_of(study, fingerprints or {}),
        protocols=protocols_of(study),
        settings=settings_of(study),
        hyperparameters=hyperparameters_of(study),
        tables=tables_of(views, commands),
        claims=tuple(claims),
        comparisons=comparisons_of(comparisons),
        pictures=make_pictures(figures, to_svg) if to_svg else (),
        commands=commands,
        version=__version__,
    )


def _read(name: str) -> str:
    return files("reno_store.reports.page").joinpath("templates", name).read_text(encoding="utf-8")


def _forbid_loads(style: str, script: str) -> str:
    """Write the content security policy: nothing is loaded, only our own script runs."""
    style_hash, script_hash = (
        base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        for text in (style, script)
    )
    return (
        f"default-src 'none'; img-src data:; style-src 'sha256-{style_hash}'; "
        f"script-src 'sha256-{script_hash}'; base-uri 'none'; form-action 'none'"
    )


def _describe_extent(study: Study) -> str:
    request = study.request
    n_clips = sum(each.n_clips for each in study.datasets)
    n_computed = sum(cell.computed for cell in study.cells)
    n_cells = len(study.cells)
    computed = "all" if n_computed == n_cells else f"{n_computed:,}"
    return (
        f"{write_count(len(study.datasets), 'dataset')} with {write_count(n_clips, 'clip')}, "
        f"{write_count(len(study.models), 'model')}, "
        f"{write_count(len(request.estimators), 'estimator')}, "
        f"{write_count(len(request.protocols), 'protocol')}: "
        f"{write_count(n_cells, 'combination')} of dataset, protocol, estimator and models, "
        f"{computed} of which were computed."
    )
