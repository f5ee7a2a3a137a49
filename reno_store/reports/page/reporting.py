"""A store's last study -> its page, and its figures as files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from reno_store.conclusions import claims_of, compare_study, summary
from reno_store.reports.figures import Figure, figures_of, kept_maps, save_figures, to_svg
from reno_store.reports.page.fingerprints import read_fingerprints
from reno_store.reports.page.writing import check_path, write_page
from reno_store.reports.tables import views_of
from reno_store.runtime.progress import counting
from reno_store.samples import Samples, open_store
from reno_store.studies import Study, recall_study
from reno_store.studies.ledger import Ledger

__all__ = ["Report", "write_report"]


@dataclass(frozen=True, slots=True)
class Report:
    """What a report is of, and where it lies.

    Attributes
    ----------
    study : Study
        What it is of.
    page : Path
        The page.
    figures : tuple[Path, ...]
        Files of the figures, where they were asked for.
    """

    study: Study
    page: Path
    figures: tuple[Path, ...]


def write_report(
    store: str | Path,
    page: str | Path,
    *,
    datasets: Sequence[str] = (),
    results: str | Path | None = None,
    figures: str | Path | None = None,
    maps: bool = True,
    progress: bool | None = None,
) -> Report:
    """Write the study that was last asked of a store as one page; train nothing.

    Parameters
    ----------
    store : str or Path
        The store's folder.
    page : str or Path
        The file, ending in ``.html``. One that is there is replaced.
    datasets : Sequence[str]
        Which of the study's datasets; all unless given.
    results : str or Path, optional
        Folder of kept results; `results_folder` of the store unless given.
    figures : str or Path, optional
        Folder to write the figures to as well, as PDF and PNG.
    maps : bool
        Whether to draw the t-SNE maps, which take some seconds a model the first time.
    progress : bool, optional
        Whether to show a progress bar; by default where standard error is a terminal.

    Raises
    ------
    LedgerError
        If nothing was asked of the store yet.
    UnknownNameError
        If a dataset was not part of it.
    RenoStoreError
        If the page or a figure cannot be written.
    """
    page = check_path(page)
    study = recall_study(store, results=results, datasets=datasets)
    opened = open_store(store)

    def load(dataset: str, model: str) -> Samples:
        return opened.load(dataset, [model], missing="drop")

    comparisons = compare_study(study)
    ledger = Ledger(study.results)
    drawn = figures_of(study, load if maps else None, lay_out=kept_maps(ledger))
    with counting("drawing", len(drawn), unit="figures", show=progress) as counter:

        def draw(figure: Figure) -> str:
            svg = to_svg(figure)
            counter.advance()
            return svg

        written = write_page(
            study,
            page,
            summary=summary(study, comparisons),
            views=views_of(study),
            claims=claims_of(study, comparisons),
            comparisons=comparisons,
            figures=drawn,
            to_svg=draw,
            fingerprints=read_fingerprints(study),
        )
    saved = () if figures is None else tuple(save_figures(drawn, figures))
    return Report(study, written, saved)
