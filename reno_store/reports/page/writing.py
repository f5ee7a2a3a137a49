"""The page on the disk: whole or not at all."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from reno_store.conclusions import Claim, Comparison
from reno_store.errors import RenoStoreError
from reno_store.reports.figures import Figure
from reno_store.reports.page.rendering import render_page
from reno_store.reports.tables import TableView
from reno_store.runtime.locations import local_path
from reno_store.runtime.writing import write_whole
from reno_store.studies import Study

__all__ = ["check_path", "write_page"]

_ENDINGS = (".html", ".htm")


def write_page(
    study: Study,
    path: str | Path,
    *,
    summary: Sequence[str] = (),
    views: Sequence[TableView] = (),
    claims: Sequence[Claim] = (),
    comparisons: Sequence[Comparison] = (),
    figures: Sequence[Figure] = (),
    to_svg: Callable[[Figure], str] | None = None,
    fingerprints: Mapping[str, Mapping[str, Any]] | None = None,
) -> Path:
    """Write a study as one HTML page that needs nothing else and no network.

    A page that is there is replaced.

    Parameters
    ----------
    study : Study
        What the page is of.
    path : str or Path
        The file, ending in ``.html`` or ``.htm``. Folders above it are made.
    summary, views, claims, comparisons, figures, to_svg, fingerprints
        As for `render_page`.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    RenoStoreError
        If `path` is a folder, has another ending or cannot be written, or a figure is no
        SVG; a page that was there is then as it was.
    """
    path = check_path(path)
    text = render_page(
        study,
        summary=summary,
        views=views,
        claims=claims,
        comparisons=comparisons,
        figures=figures,
        to_svg=to_svg,
        fingerprints=fingerprints,
    )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # A name that is no text (a file name in another encoding) gets question marks.
        write_whole(path, text.encode("utf-8", "replace"))
    except OSError as error:
        raise RenoStoreError(f"{path} cannot be written: {error.strerror or error}.") from error
    return path


def check_path(path: str | Path) -> Path:
    """Refuse what no page can be written to, before anything is computed for it.

    Raises
    ------
    RenoStoreError
        If it is a folder, or a browser would not take it for a page by its ending.
    """
    path = local_path(path, "output")
    if path.is_dir():
        raise RenoStoreError(f"{path} is a folder; name a file in it, {path / 'report.html'} say.")
    if path.suffix.lower() not in _ENDINGS:
        raise RenoStoreError(
            f"{path}: expected a name that ends in .html, by which browsers know a page; got "
            f"{path.suffix or 'no ending'}."
        )
    return path
