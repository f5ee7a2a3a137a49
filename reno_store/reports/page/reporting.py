"""The page of a store's last study, and its figures as files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reno_store.conclusions import answers_of, claims_of, compare_study
from reno_store.errors import RenoStoreError
from reno_store.reports.commands import Commands
from reno_store.reports.figures import Figure, figures_of, kept_maps, save_figures, to_svg
from reno_store.reports.page.clips import ClipsOfDataset, clips_of
from reno_store.reports.page.excerpts import MOST_BYTES, check_audio, excerpts_of
from reno_store.reports.page.rendering import render_page
from reno_store.reports.tables import tables_of
from reno_store.runtime.locations import local_path
from reno_store.runtime.numbers import count
from reno_store.runtime.progress import counting
from reno_store.runtime.writing import write_output
from reno_store.samples import EmbeddingStore, Samples, open_store
from reno_store.store import StoreReader
from reno_store.studies import Study, recall_study
from reno_store.studies.ledger import Ledger

__all__ = ["Report", "check_path", "read_fingerprints", "write_page", "write_report"]


@dataclass(frozen=True, slots=True)
class Report:
    """A report that was written.

    Attributes
    ----------
    study : Study
        Its study.
    page : Path
        The page.
    figures : tuple[Path, ...]
        Files of the figures, where a folder for them was named.
    """

    study: Study
    page: Path
    figures: tuple[Path, ...]

    def __repr__(self) -> str:
        return f"<Report {self.page}: {self.study!r}, {count(len(self.figures), 'figure file')}>"


def write_report(
    store: str | Path,
    page: str | Path,
    *,
    datasets: Sequence[str] = (),
    results: str | Path | None = None,
    figures: str | Path | None = None,
    maps: bool = True,
    audio: str | Path | None = None,
    progress: bool | None = None,
    commands: Commands | None = None,
) -> Report:
    """Write the last study of a store as one page. Nothing is trained.

    Parameters
    ----------
    store : str or Path
        The store's folder.
    page : str or Path
        The file, ending in ``.html``. An existing file is replaced.
    datasets : Sequence[str]
        Which of the study's datasets; all by default.
    results : str or Path, optional
        Folder of kept results; `results_folder` of the store by default.
    figures : str or Path, optional
        Folder in which to write the figures too, as PDF and PNG.
    maps : bool
        Whether to draw the t-SNE maps, which take some seconds per model the first time.
    audio : str or Path, optional
        Folder that the paths of the manifest are relative to. Then the first seconds of mistaken
        clips can be heard on the page. Recordings of people are personal data, so there are none
        by default.
    progress : bool, optional
        Whether to show a progress bar; by default if standard error is a terminal.
    commands : Commands, optional
        How the page describes what to run; Python calls by default.

    Raises
    ------
    LedgerError
        If no study of the store was run.
    UnknownNameError
        If a dataset is not part of the study.
    RenoStoreError
        If the page or a figure cannot be written, or `audio` has none of the recordings.
    """
    page = check_path(page)
    if audio is not None:
        check_audio(audio)
    study = recall_study(store, results=results, datasets=datasets)
    opened = open_store(store)

    def load(dataset: str, model: str) -> Samples:
        return opened.load(dataset, [model], missing="drop")

    comparisons = compare_study(study)
    answers = answers_of(study, comparisons)
    lay_out = kept_maps(Ledger(study.results))
    clips = [
        clips_of(study, answer, load if maps else None, lay_out)
        for answer in answers
        if study.dataset(answer.dataset).transfer is None
    ]
    if audio is not None:
        clips = _with_audio(clips, opened, audio)
    drawn = figures_of(study, load if maps else None, lay_out=lay_out)
    n_drawings = len(drawn) + sum(figure.draw_narrow is not None for figure in drawn)
    with counting("drawing", n_drawings, unit="figures", show=progress) as counter:

        def draw(figure: Figure) -> str:
            svg = to_svg(figure)
            counter.advance()
            return svg

        written = write_page(
            study,
            page,
            answers=answers,
            tables=tables_of(study, commands),
            comparisons=comparisons,
            claims=claims_of(study, comparisons),
            clips=clips,
            figures=drawn,
            to_svg=draw,
            fingerprints=read_fingerprints(study),
            commands=commands,
        )
    saved = () if figures is None else tuple(save_figures(drawn, figures))
    return Report(study, written, saved)


def _with_audio(
    clips: Sequence[ClipsOfDataset], store: EmbeddingStore, folder: str | Path
) -> list[ClipsOfDataset]:
    """Add recordings of mistaken clips; datasets share the room for them."""
    heard = []
    for each in clips:
        wanted = [clip.clip_id for clip in each.mistakes]
        share = MOST_BYTES // len(clips)
        audio = excerpts_of(store, each.cell.dataset, wanted, folder, most_bytes=share)
        heard.append(each.with_audio(audio))
    return heard


def write_page(study: Study, path: str | Path, **contents: Any) -> Path:
    """Write the page of a study; an existing page is replaced as a whole or not at all.

    Parameters
    ----------
    study : Study
        The study.
    path : str or Path
        The file, ending in ``.html`` or ``.htm``. Missing folders are made.
    **contents
        Further arguments of `render_page`.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    RenoStoreError
        If `path` is a folder, has another ending or cannot be written, or as `render_page`.
    """
    path = check_path(path)
    text = render_page(study, **contents)
    # A name that is no text (a file name in another encoding) gets question marks.
    write_output(path, text.encode("utf-8", "replace"))
    return path


def check_path(path: str | Path) -> Path:
    """Return the path if a page can be written to it; call this before computing anything.

    Raises
    ------
    RenoStoreError
        If it is a folder, or its ending is not that of a page.
    """
    path = local_path(path, "output")
    if path.is_dir():
        raise RenoStoreError(f"{path} is a folder; name a file, such as {path / 'report.html'}.")
    if path.suffix.lower() not in (".html", ".htm"):
        raise RenoStoreError(
            f"{path}: expected a name that ends in .html, as browsers need it; got "
            f"{path.suffix or 'no ending'}."
        )
    return path


def read_fingerprints(study: Study) -> dict[str, Mapping[str, Any]]:
    """Read the whole fingerprint of each model from the study's store.

    Parameters
    ----------
    study : Study
        Its store is opened for reading.

    Returns
    -------
    dict of str to Mapping
        Model -> fingerprint, from the first of the study's datasets that has the model. Models
        that no dataset has are left out.

    Raises
    ------
    StoreError
        If the store cannot be opened, or a fingerprint in it cannot be read.
    UnknownNameError
        If the store no longer has one of the datasets.
    """
    reader = StoreReader(study.store)
    found: dict[str, Mapping[str, Any]] = {}
    for dataset in study.corpora:
        for name in {model.name for model in study.models} & set(reader.models(dataset)):
            found.setdefault(name, reader.fingerprint(dataset, name))
    return dict(sorted(found.items()))
